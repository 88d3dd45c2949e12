import type { Datatype, Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { PredictionReader } from '@slipway/metrics/profiles';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { predictedRows } from './predicted-rows.js';

const kinds: readonly { name: string; task: Omit<Task, 'rowAxis'>; label?: Datatype; columns?: number }[] = [
  { name: 'texts and scores', task: { kind: 'multiclass', classes: ['a', 'b', 'c'] }, label: 'BYTES', columns: 3 },
  { name: 'indexes of named classes', task: { kind: 'multiclass', classes: ['a', 'b', 'c'] }, label: 'INT64', columns: 3 },
  { name: 'numbered classes', task: { kind: 'multiclass', classes: [7, 8, 9] }, label: 'INT32', columns: 3 },
  { name: 'classes that nobody named', task: { kind: 'multiclass' }, label: 'INT64', columns: 3 },
  { name: 'scores alone', task: { kind: 'multiclass', classes: ['a', 'b', 'c'] }, columns: 3 },
  { name: 'a binary task', task: { kind: 'binary', classes: ['no', 'yes'], positiveClass: 'no' }, label: 'BYTES', columns: 2 },
  { name: 'one score per row', task: { kind: 'binary', classes: ['no', 'yes'] }, columns: 1 },
  { name: 'halves', task: { kind: 'binary', classes: [0, 1], positiveClass: 1 }, label: 'FP16', columns: 2 },
  { name: 'labels without scores', task: { kind: 'binary', classes: ['no', 'yes'] }, label: 'BYTES' },
  { name: 'values', task: { kind: 'regression' }, label: 'FP64' },
];

function dataOf(datatype: Datatype, values: readonly number[]): Tensor['data'] {
  if (datatype === 'BYTES') return values.map((value) => ['a', 'b', 'no', 'yes', 'other', '', 'c'][value] ?? 'x');
  if (datatype === 'INT64') return BigInt64Array.from(values.map(BigInt));
  if (datatype === 'INT32') return Int32Array.from(values.map((value) => value + 5));
  if (datatype === 'FP16') return Uint16Array.from(values.map((value) => [0, 0x3c00, 0x4000, 0x7e00][value % 4] ?? 0));
  return Float64Array.from(values.map((value) => (value === 6 ? Number.NaN : value / 4)));
}

it.each(kinds)('reads $name as the records do', ({ task: given, label, columns }) => {
  const task: Task = {
    ...given,
    rowAxis: 0,
    ...(label === undefined ? {} : { predictionOutput: 'label' }),
    ...(columns === undefined ? {} : { scoreOutput: 'scores' }),
  };
  const score = fc.oneof(fc.constantFrom(0, 0.5, 1, Number.NaN, Number.POSITIVE_INFINITY), fc.double({ min: 0, max: 1, noNaN: true }));
  const rowsOf = fc.array(fc.tuple(fc.nat({ max: 6 }), fc.array(score, { minLength: columns ?? 1, maxLength: columns ?? 1 })), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(rowsOf, (rows) => {
      const labels: Tensor | undefined =
        label === undefined
          ? undefined
          : {
              name: 'label',
              datatype: label,
              shape: [rows.length],
              data: dataOf(
                label,
                rows.map(([value]) => value),
              ),
            };
      const scores: Tensor | undefined =
        columns === undefined
          ? undefined
          : { name: 'scores', datatype: 'FP64', shape: [rows.length, columns], data: Float64Array.from(rows.flatMap(([, values]) => values)) };
      const outputs = [labels, scores].flatMap((each) => each ?? []);
      const { p = [], s = [] } = predictedRows(task, outputs, rows.length);
      const reader = new PredictionReader(task);
      const texts = new Array<string>(rows.length * 2).fill('');
      const numbers = new Float64Array(rows.length * 2);
      reader.read(labels, scores, { from: 0, rows: rows.length, all: rows.length }, { texts, numbers }, 0);
      for (let row = 0; row < rows.length; row++) {
        const number = numbers[row * 2] ?? Number.NaN;
        const isClass = task.kind !== 'regression';
        const read = label === 'BYTES' ? texts[row * 2] : Number.isNaN(number) ? null : isClass ? reader.textOf(number, label !== undefined) : number;
        const wanted = p[row] ?? null;
        expect(read).toEqual(wanted === null ? null : isClass ? String(wanted) : wanted);
        expect(Number.isNaN(numbers[row * 2 + 1] ?? 0) ? null : numbers[row * 2 + 1]).toEqual(s[row] ?? null);
      }
    }),
    { numRuns: 60 },
  );
});
