import { createLogger } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { expect, it } from 'vitest';
import { Repeater } from './repeater.js';
import { Slots } from './slots.js';

const log = createLogger('test', 'silent');

it('never runs twice at a time, and once more for all nudges that came meanwhile', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const releases: (() => void)[] = [];
  const repeater = new Repeater(
    'test',
    async () => {
      running += 1;
      runs += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => releases.push(resolve));
      running -= 1;
    },
    log,
  );
  repeater.start({ everyMs: 60_000 });
  for (let nudge = 0; nudge < 5; nudge += 1) repeater.poke();
  releases.shift()?.();
  await waitFor(() => runs === 2, { what: 'the second run' });
  releases.shift()?.();
  await repeater.close();
  expect({ runs, most }).toEqual({ runs: 2, most: 1 });
});

it('goes on after a run that failed', async () => {
  let runs = 0;
  const repeater = new Repeater(
    'test',
    async () => {
      runs += 1;
      if (runs === 1) throw new Error('once');
    },
    log,
  );
  repeater.start({ everyMs: 5 });
  await waitFor(() => runs > 2, { what: 'more runs' });
  await repeater.close();
  const after = runs;
  repeater.poke();
  expect(runs).toBe(after);
});

it('lets only so many tasks in, in order, and a failed one frees its place', async () => {
  const slots = new Slots(2);
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  const task = (k: number) =>
    slots.use(async () => {
      inside += 1;
      most = Math.max(most, inside);
      order.push(k);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      if (k === 0) throw new Error('failed');
    });
  const results = await Promise.allSettled([0, 1, 2, 3, 4].map(task));
  expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect({ most, order }).toEqual({ most: 2, order: [0, 1, 2, 3, 4] });
});
