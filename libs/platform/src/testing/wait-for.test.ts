import { expect, it } from 'vitest';
import { waitFor } from './wait-for.js';

it('returns the first truthy answer', async () => {
  let looks = 0;
  expect(await waitFor(() => (looks++ < 3 ? undefined : looks), { everyMs: 1 })).toBe(4);
});

it('says what was waited for and what it saw last', async () => {
  await expect(waitFor(() => 0, { timeoutMs: 5, what: 'a number', everyMs: 1 })).rejects.toThrow('waited 5 ms for a number; the last answer was 0');
});

it('takes an error as not yet and reports the last one', async () => {
  const failing = () => {
    throw new Error('connection refused');
  };
  await expect(waitFor(failing, { timeoutMs: 5, everyMs: 1 })).rejects.toThrow(/the last look failed: connection refused/);
});
