import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyEvent, entryOf, type HistoryState, type RowChange, rebuildState, rowsOfKind, stateOf } from './history-state.js';

const change = fc.record<RowChange>({
  kind: fc.constantFrom('model', 'alias'),
  id: fc.constantFrom('a', 'b', 'c'),
  after: fc.option(fc.record({ name: fc.string({ maxLength: 3 }) }), { nil: null }),
});
const plain = (state: HistoryState) => [...state.values()].sort((a, b) => (`${a.kind}/${a.id}` < `${b.kind}/${b.id}` ? -1 : 1));

it('holds the last form of each row and nothing of removed ones', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const state = rebuildState(new Map(), changes);
      for (const { kind, id } of changes) {
        const last = changes.findLast((each) => each.kind === kind && each.id === id)?.after ?? undefined;
        expect(entryOf(state, kind, id)?.row).toEqual(last);
      }
      expect(state.size).toBe(rowsOfKind(state, 'model').length + rowsOfKind(state, 'alias').length);
    }),
  );
});

it('comes to the same state event by event, from any recorded state in between, and when an event is applied twice', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), fc.nat(12), (events, cut) => {
      const whole = rebuildState(new Map(), events.flat());
      let state: HistoryState = new Map();
      for (const [index, changes] of events.entries()) {
        if (index === cut) state = stateOf(state.values());
        const before = plain(state);
        const next = applyEvent(state, { changes });
        expect(plain(state)).toEqual(before);
        state = applyEvent(next, { changes });
      }
      expect(plain(state)).toEqual(plain(whole));
    }),
  );
});
