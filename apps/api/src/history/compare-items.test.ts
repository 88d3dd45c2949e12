import type { HistoryItem } from '@slipway/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareItems, differencesMax, differencesOf } from './compare-items.js';

const item = (name: string, state: Record<string, unknown>): HistoryItem => ({ kind: 'model', id: name, name, state });

it('names what was added, changed and removed, value by value', () => {
  const before = [item('kept', { a: 1 }), item('changed', { a: 1, spec: { x: [1], y: 2 } }), item('gone', { a: null, b: 'z' })];
  const after = [item('kept', { a: 1 }), item('changed', { a: 2, spec: { x: [1, 2], y: 2 } }), item('fresh', { a: 1 })];
  expect(compareItems(before, after)).toEqual([
    {
      kind: 'model',
      id: 'changed',
      name: 'changed',
      change: 'changed',
      differences: [
        { path: 'a', before: 1, after: 2 },
        { path: 'spec.x', before: [1], after: [1, 2] },
      ],
    },
    { kind: 'model', id: 'fresh', name: 'fresh', change: 'added', differences: [{ path: 'a', before: null, after: 1 }] },
    { kind: 'model', id: 'gone', name: 'gone', change: 'removed', differences: [{ path: 'b', before: 'z', after: null }] },
  ]);
});

it('finds nothing between a value and its copy, and something between different ones', () => {
  const value = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(value, fc.integer(), (one, number) => {
      expect(differencesOf(one, structuredClone(one))).toEqual([]);
      expect(differencesOf({ ...one, changed: number }, { ...one, changed: number + 1 })).toHaveLength(1);
    }),
  );
});

it('names at most so many differences of one thing', () => {
  const large = Object.fromEntries(Array.from({ length: differencesMax + 1 }, (_, index) => [`k${index}`, index]));
  expect(differencesOf(undefined, large)).toHaveLength(differencesMax);
});
