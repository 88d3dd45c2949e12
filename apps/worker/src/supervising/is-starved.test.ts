import { expect, it } from 'vitest';
import { isStarved } from './is-starved.js';

it.each([
  { name: 'one that has just begun is not', runMs: 10, waitMs: 900, starved: false },
  { name: 'one beside a busy neighbour is not', runMs: 2_000, waitMs: 6_000, starved: false },
  { name: 'one that gets a fifth is', runMs: 240, waitMs: 1_000, starved: true },
  { name: 'one that gets nothing is', runMs: 0, waitMs: 1_000, starved: true },
])('$name', ({ runMs, waitMs, starved }) => {
  expect(isStarved({ runMs, waitMs })).toBe(starved);
});
