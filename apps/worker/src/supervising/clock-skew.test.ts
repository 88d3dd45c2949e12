import { expect, it } from 'vitest';
import { skewBetween } from './clock-skew.js';

it.each([
  { name: 'nothing is told by a time within the call', before: 100, database: 105, after: 110, skew: 0 },
  { name: 'a clock that is ahead', before: 5_000, database: 1_000, after: 5_010, skew: 4_000 },
  { name: 'a clock that is behind', before: 1_000, database: 5_000, after: 1_010, skew: -3_990 },
])('$name', ({ before, database, after, skew }) => {
  expect(skewBetween(before, database, after)).toBe(skew);
});
