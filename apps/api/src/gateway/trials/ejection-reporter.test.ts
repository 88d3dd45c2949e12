import { expect, it, vi } from 'vitest';
import { EjectionReporter } from './ejection-reporter.js';

const fault = { cause: 'CANDIDATE_CRASHED', detail: 'it ended' } as const;

it('tells again until it is written, and lets no report that cannot be written stand in the way of others', async () => {
  const written: string[] = [];
  let isAway = true;
  const reporter = new EjectionReporter(async (rolloutId) => {
    if (isAway || rolloutId === 'rol_bad') throw new Error('not written');
    written.push(rolloutId);
  }, 1);
  for (const id of ['rol_bad', 'rol_1', 'rol_2']) reporter.add(id, fault);
  await vi.waitFor(() => expect(reporter.waiting).toBe(3));
  isAway = false;
  await vi.waitFor(() => expect(reporter.waiting).toBe(1), { timeout: 5_000 });
  expect(written.toSorted()).toEqual(['rol_1', 'rol_2']);
  await reporter.close();
});
