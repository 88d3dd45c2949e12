import type { Task } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { footprint, signature } from '../testing/registry-fixture.js';
import { decideValidation, type Inspection } from './decide-validation.js';

const guessed: Task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'scores', classes: [0, 1], rowAxis: 0 };
const good: Inspection = { ok: true, signature, task: guessed, footprint, notes: ['A note.'] };

it('is ready with the guessed task when none was stated', () => {
  expect(decideValidation(undefined, good)).toEqual({ kind: 'ready', facts: { signature, task: guessed, footprint, notes: ['A note.'] } });
});

it('keeps the stated task when it fits', () => {
  const stated: Task = { kind: 'regression', predictionOutput: 'label', rowAxis: 0 };
  expect(decideValidation(stated, good)).toMatchObject({ kind: 'ready', facts: { task: stated } });
});

it('rejects rather than replace a stated task that does not fit', () => {
  const decision = decideValidation({ ...guessed, classes: [0, 1, 2], kind: 'multiclass' }, good);
  expect(decision).toMatchObject({ kind: 'rejected', reasons: [expect.stringContaining('3 classes were given')] });
});

it('rejects with the reasons of the runtime, bounded and without what the database cannot keep', () => {
  const decision = decideValidation(undefined, {
    ok: false,
    reasons: ['bad\0name', 'x'.repeat(5_000), ...Array.from({ length: 100 }, () => 'more')],
  });
  expect(decision.kind).toBe('rejected');
  if (decision.kind !== 'rejected') return;
  expect(decision.reasons[0]).toBe('bad\ufffdname');
  expect(decision.reasons[1]).toHaveLength(2_000);
  expect(decision.reasons).toHaveLength(50);
});
