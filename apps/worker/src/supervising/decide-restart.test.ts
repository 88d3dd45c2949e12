import { expect, it } from 'vitest';
import { decideRestart } from './decide-restart.js';

it.each([
  { name: 'starts a dead instance again without delay', deaths: [100_000], ready: true, expected: { kind: 'restart', afterMs: 0 } },
  { name: 'takes a breath before the second time', deaths: [90_000, 100_000], ready: true, expected: { kind: 'restart', afterMs: 250 } },
  { name: 'fails it at the third death within a minute', deaths: [40_001, 90_000, 100_000], ready: true, expected: { kind: 'fail' } },
  { name: 'forgets deaths older than a minute', deaths: [40_000, 90_000, 100_000], ready: true, expected: { kind: 'restart', afterMs: 250 } },
  { name: 'leaves one that never was ready to the planner', deaths: [100_000], ready: false, expected: { kind: 'fail' } },
])('$name', ({ deaths, ready, expected }) => {
  expect(decideRestart(deaths, ready, 100_000)).toEqual(expected);
});
