import { expect, it } from 'vitest';
import { ReplayPace } from './replay-pace.js';

const never = new AbortController().signal;

it('waits not at all when it goes as fast as it can', async () => {
  const pace = new ReplayPace(0);
  const startedAt = performance.now();
  for (const at of [0, 10_000, 100_000]) await pace.wait(new Date(at), never);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it('ends its waiting with the signal', async () => {
  const pace = new ReplayPace(1);
  const ending = new AbortController();
  await pace.wait(new Date(0), ending.signal);
  const waiting = pace.wait(new Date(50_000), ending.signal);
  ending.abort(new Error('over'));
  await expect(waiting).rejects.toThrow('over');
});

it('keeps the time between requests, divided by its factor', async () => {
  const pace = new ReplayPace(10);
  const startedAt = performance.now();
  for (const at of [0, 500, 1_000]) await pace.wait(new Date(at), never);
  // Timers may fire a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(98);
});
