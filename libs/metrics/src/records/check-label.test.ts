import type { Task } from '@slipway/contracts';
import { ulid } from 'ulid';
import { expect, it } from 'vitest';
import { checkLabel } from './check-label.js';

const now = Date.parse('2026-03-04T05:06:07Z');
const names: Task = { kind: 'multiclass', rowAxis: 0, classes: ['cat', 'dog'] };
const numbers: Task = { kind: 'multiclass', rowAxis: 0, classes: [0, 1, 2] };
const binary: Task = { kind: 'binary', rowAxis: 0, classes: [0, 1], positiveClass: 1 };
const open: Task = { kind: 'binary', rowAxis: 0 };
const regression: Task = { kind: 'regression', rowAxis: 0 };

it.each([
  { task: names, label: 'cat', is: 'cat' },
  { task: numbers, label: 2, is: '2' },
  { task: numbers, label: '2', is: '2' },
  { task: binary, label: true, is: '1' },
  { task: binary, label: false, is: '0' },
  { task: open, label: 'anything', is: 'anything' },
  { task: open, label: true, is: 'true' },
])('takes $label for a class of a $task.kind task', ({ task, label, is }) => {
  expect(checkLabel({ label }, task, now)).toEqual({ ok: true, value: { label: is, labelNumber: null } });
});

it('takes a finite number for a value', () => {
  expect(checkLabel({ label: -1.5 }, regression, now)).toEqual({ ok: true, value: { label: null, labelNumber: -1.5 } });
});

it.each([
  { task: names, label: 'bird', says: /one of the classes "cat", "dog", but got "bird"/ },
  { task: names, label: 1, says: /one of the classes/ },
  { task: names, label: true, says: /one of the classes/ },
  { task: numbers, label: 3, says: /0, 1, 2, but got 3/ },
  { task: numbers, label: Number.NaN, says: /a class, but got NaN/ },
  { task: regression, label: '7', says: /a finite number, but got "7"/ },
  { task: regression, label: Number.NaN, says: /a finite number/ },
  { task: regression, label: Number.POSITIVE_INFINITY, says: /a finite number/ },
  { task: regression, label: true, says: /a finite number/ },
])('refuses $label for a $task.kind task', ({ task, label, says }) => {
  const checked = checkLabel({ label }, task, now);
  expect(checked.ok ? '' : checked.expected).toMatch(says);
});

it.each([
  { observedAt: '2026-03-04T05:20:00Z', predictedAt: now - 1_000, ok: false },
  { observedAt: '2026-03-04T05:07:00Z', predictedAt: now - 1_000, ok: true },
  { observedAt: '2026-03-04T04:00:00Z', predictedAt: now - 1_000, ok: false },
])('observed at $observedAt: $ok', ({ observedAt, predictedAt, ok }) => {
  expect(checkLabel({ label: 1, observedAt, predictionId: `prd_${ulid(predictedAt)}` }, regression, now).ok).toBe(ok);
});
