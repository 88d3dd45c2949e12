import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListNode } from './entry-list.js';
import { rankCount, rankOf } from './rank-of.js';
import { RankedList } from './ranked-list.js';

interface Entry {
  readonly id: number;
  readonly rank: number;
}

describe('RankedList', () => {
  it('agrees with a sorted list, whatever comes and goes', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('push' as const), rank: fc.constantFrom(0, 1, 127, 128, 255, 256, rankCount - 1) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const list = new RankedList<Entry>();
        const model: { entry: Entry; node: ListNode<Entry> }[] = [];
        let id = 0;
        const drop = (one: { entry: Entry; node: ListNode<Entry> } | undefined) => {
          if (one === undefined) return;
          list.remove(one.node);
          list.remove(one.node);
          model.splice(model.indexOf(one), 1);
        };
        for (const each of steps) {
          if (each.kind === 'push') {
            id += 1;
            const entry = { id, rank: each.rank };
            model.push({ entry, node: list.push(entry) });
            model.sort((a, b) => a.entry.rank - b.entry.rank || a.entry.id - b.entry.id);
          } else drop(model[each.kind === 'take' ? 0 : each.at]);
          expect([...list]).toEqual(model.map(({ entry }) => entry));
          expect(list.size).toBe(model.length);
          expect(list.first).toBe(model[0]?.entry);
          expect(list.sizeUpTo(128)).toBe(model.filter(({ entry }) => entry.rank <= 128).length);
          const behind = model.filter(({ entry }) => entry.rank > 128);
          const highest = Math.max(...behind.map(({ entry }) => entry.rank));
          expect(list.lastBehind(128)).toBe(behind.filter(({ entry }) => entry.rank === highest).at(-1)?.entry);
        }
      }),
    );
  });
});

describe('rankOf', () => {
  it('puts 1 first, 0 in the middle, 255 last of the live, and everything else behind', () => {
    const ranks = [rankOf('live', 1), rankOf('live', 0), rankOf('live', 255), rankOf('batch', 1), rankOf('shadow', 1), rankOf('probe', 1)];
    expect(ranks.toSorted((a, b) => a - b)).toEqual(ranks);
    expect(new Set(ranks).size).toBe(ranks.length);
    expect(Math.max(...ranks)).toBeLessThan(rankCount);
  });
});
