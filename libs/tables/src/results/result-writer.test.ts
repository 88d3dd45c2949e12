import type { TensorSignature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import type { OutputTensor } from '../requests/infer-answer.js';
import { resultWriter } from './result-writer.js';
import { answersByRow, valuesOfRow } from './row-values.js';

const outputs: TensorSignature[] = [
  { name: 'class', datatype: 'BYTES', shape: [-1] },
  { name: 'score', datatype: 'FP32', shape: [-1, 2] },
  { name: 'tokens', datatype: 'INT64', shape: [-1, -1] },
];
const list = (values: readonly (number | bigint | string)[]) => (index: number) => values[index] ?? Number.NaN;
/** Two rows. */
const answer: OutputTensor[] = [
  { name: 'class', datatype: 'BYTES', shape: [2], at: list(['=cmd', 'b,"c"']) },
  { name: 'score', datatype: 'FP32', shape: [2, 2], at: list([0.25, 0.75, Number.NaN, Number.NEGATIVE_INFINITY]) },
  { name: 'tokens', datatype: 'INT64', shape: [2, 2], at: list([2n ** 60n, -1n, 3n, 4n]) },
];

describe('NDJSON', () => {
  const writer = resultWriter('ndjson', { idColumns: ['id'], outputs, hasRows: true });

  it('has one object per row, exact and valid also where JSON has no word', () => {
    expect(writer.header).toBe('');
    expect(writer.predicted(1, ['A"'], 3, valuesOfRow(answer, 0, 2))).toBe(
      '{"row":1,"id":{"id":"A\\""},"version":3,"outputs":{"class":"=cmd","score":[0.25,0.75],"tokens":[1152921504606846976,-1]}}\n',
    );
    const second = JSON.parse(writer.predicted(2, [null], 3, valuesOfRow(answer, 1, 2)));
    expect(second).toMatchObject({ id: { id: null }, outputs: { class: 'b,"c"', score: ['NaN', '-Infinity'] } });
  });

  it('says why a row has no prediction', () => {
    expect(writer.failed(7, ['B'], 'column "x": expected a number')).toBe('{"row":7,"id":{"id":"B"},"error":"column \\"x\\": expected a number"}\n');
    expect(resultWriter('ndjson', { idColumns: [], outputs, hasRows: true }).failed(7, [], 'no')).toBe('{"row":7,"error":"no"}\n');
  });
});

describe('CSV', () => {
  const writer = resultWriter('csv', { idColumns: ['id', 'row'], outputs, hasRows: true });

  it('has a column per value where their number is fixed, and no two columns of one name', () => {
    expect(writer.header).toBe('row,id,row_2,class,score[0],score[1],tokens,version,error\n');
    expect(writer.predicted(1, ['-5', 'x'], 3, valuesOfRow(answer, 0, 2))).toBe('1,-5,x,\'=cmd,0.25,0.75,"[1152921504606846976,-1]",3,\n');
    expect(writer.predicted(2, [null, true], 3, valuesOfRow(answer, 1, 2))).toBe('2,,true,"b,""c""",NaN,-Infinity,"[3,4]",3,\n');
    expect(writer.failed(3, ['a', 'b'], 'no, "it" is not')).toBe('3,a,b,,,,,,"no, ""it"" is not"\n');
  });

  it.each([
    ['=1+1', "'=1+1"],
    ['+49 30', "'+49 30"],
    ['@sum', "'@sum"],
    ['\tx', "'\tx"],
    ['-x', "'-x"],
    ['-1.5e3', '-1.5e3'],
    ['+7', '+7'],
    ['plain', 'plain'],
  ])('keeps %j from being run by a spreadsheet', (given, cell) => {
    expect(writer.failed(1, [given, ''], '')).toBe(`1,${cell},,,,,,,\n`);
  });
});

describe('answers', () => {
  it('are taken apart only where every output has an entry per row', () => {
    expect(answersByRow(answer, 2)).toBe(true);
    expect(answersByRow(answer, 3)).toBe(false);
    const whole: OutputTensor = { name: 'sum', datatype: 'FP32', shape: [], at: list([4]) };
    expect(valuesOfRow([whole], 0, 1)).toMatchObject([{ name: 'sum', shape: [] }]);
    expect(valuesOfRow([{ ...whole, shape: [1, 3] }], 0, undefined)).toMatchObject([{ shape: [1, 3] }]);
  });
});
