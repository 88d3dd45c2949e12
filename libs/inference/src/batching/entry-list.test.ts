import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EntryList, type ListNode } from './entry-list.js';

it('behaves like an array of which any element can be removed', () => {
  const step = fc.oneof(fc.constant('push' as const), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new EntryList<number>();
      const nodes: ListNode<number>[] = [];
      let model: number[] = [];
      for (const [index, what] of steps.entries()) {
        if (what === 'push') {
          nodes.push(list.push(index));
          model.push(index);
        } else {
          const node = nodes[what];
          if (node === undefined) continue;
          list.remove(node);
          model = model.filter((value) => value !== node.value);
        }
        expect([...list]).toEqual(model);
        expect(list.size).toBe(model.length);
        expect(list.first).toBe(model[0]);
        expect(list.last).toBe(model.at(-1));
      }
    }),
  );
});

it('can be emptied while it is walked', () => {
  const list = new EntryList<number>();
  const nodes = [1, 2, 3, 4].map((value) => list.push(value));
  const seen: number[] = [];
  for (const value of list) {
    seen.push(value);
    const own = nodes[value - 1];
    if (own !== undefined) list.remove(own);
  }
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(list.size).toBe(0);
});
