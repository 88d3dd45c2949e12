import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamTable } from './stream-table.js';

it('behaves like a map whose keys are never given out twice', () => {
  const step = fc.oneof(fc.constant('add' as const), fc.nat(400));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const table = new StreamTable<string>();
      const model = new Map<number, string>();
      const given: number[] = [];
      for (const [index, what] of steps.entries()) {
        if (what === 'add') {
          const stream = table.add(`entry ${index}`);
          expect(given).not.toContain(stream);
          given.push(stream);
          model.set(stream, `entry ${index}`);
        } else {
          const stream = given[what] ?? what;
          expect(table.take(stream)).toBe(model.get(stream));
          model.delete(stream);
        }
        expect(table.size).toBe(model.size);
      }
      expect(table.takeAll().toSorted()).toEqual([...model.values()].toSorted());
      expect(table.size).toBe(0);
    }),
  );
});

it('passes over the place of a stream that never ends', () => {
  const table = new StreamTable<string>();
  const stuck = table.add('stuck');
  for (let round = 0; round < 1_000; round += 1) expect(table.take(table.add('short'))).toBe('short');
  expect(table.take(stuck)).toBe('stuck');
});

it('keeps as many as are under way', () => {
  const table = new StreamTable<number>();
  const streams = Array.from({ length: 10_000 }, (_, index) => table.add(index));
  expect(streams.map((stream) => table.take(stream))).toEqual(streams.map((_, index) => index));
});
