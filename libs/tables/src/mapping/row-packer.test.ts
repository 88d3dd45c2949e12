import type { Datatype } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableRow } from '../table.js';
import type { InputPlan, Mapping } from './mapping.js';
import { RowPacker } from './row-packer.js';

const row = (value: unknown): TableRow => ({ kind: 'value', value });
const cells = (...values: unknown[]): TableRow => ({ kind: 'cells', cells: values });
const bare = (datatype: Datatype, rowShape: number[]): Mapping => ({
  ids: [],
  inputs: [{ input: { name: 'x', datatype, shape: [-1, ...rowShape] }, rowShape, source: { kind: 'row' } }],
});

function pack(mapping: Mapping, rows: readonly TableRow[]) {
  const packer = new RowPacker(mapping);
  for (const each of rows) packer.add(each);
  return packer.take(1, { row: rows.length });
}

/** The one fault of the one row. */
function faultOf(datatype: Datatype, rowShape: number[], value: unknown): string {
  const [fault] = pack(bare(datatype, rowShape), [row(value)]).faults;
  return fault === undefined ? 'none' : `expected ${fault.expected}, given ${fault.given}`;
}

/** The elements that came out. */
function elementsOf(datatype: Datatype, rowShape: number[], value: unknown): unknown[] {
  const { faults, segments } = pack(bare(datatype, rowShape), [row(value)]);
  expect(faults).toEqual([]);
  const data = segments[0]?.inputs[0]?.data ?? Buffer.alloc(0);
  const list: unknown[] = [];
  const size = { FP32: 4, FP64: 8, FP16: 2, INT64: 8, UINT64: 8, INT32: 4, UINT32: 4, INT16: 2, UINT16: 2, INT8: 1, UINT8: 1, BOOL: 1, BYTES: 0 }[
    datatype
  ];
  const read = {
    FP32: 'readFloatLE',
    FP64: 'readDoubleLE',
    INT64: 'readBigInt64LE',
    UINT64: 'readBigUInt64LE',
    INT32: 'readInt32LE',
    UINT8: 'readUInt8',
    BOOL: 'readUInt8',
  } as const;
  if (datatype === 'BYTES') {
    for (let at = 0; at < data.length; ) {
      const end = at + 4 + data.readUInt32LE(at);
      list.push(data.toString('utf8', at + 4, end));
      at = end;
    }
    return list;
  }
  const name = Object.entries(read).find(([known]) => known === datatype)?.[1] ?? 'readUInt16LE';
  for (let at = 0; at < data.length; at += size) list.push(data[name](at));
  return list;
}

describe('values', () => {
  it.each<[Datatype, unknown, unknown]>([
    ['FP32', '1.5', 1.5],
    ['FP32', ' -2e3 ', -2000],
    ['FP32', '.5', 0.5],
    ['FP32', 'NaN', Number.NaN],
    ['FP64', '-inf', Number.NEGATIVE_INFINITY],
    ['FP64', 7n, 7],
    ['FP64', true, 1],
    ['FP16', 1, 0x3c00],
    ['INT64', '9223372036854775807', 2n ** 63n - 1n],
    ['INT64', -5, -5n],
    ['UINT64', 2n ** 64n - 1n, 2n ** 64n - 1n],
    ['INT32', '3.0', 3],
    ['UINT8', 255, 255],
    ['BOOL', 'True', 1],
    ['BOOL', 0, 0],
    ['BYTES', 'é', 'é'],
    ['BYTES', '', ''],
    ['BYTES', new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('%s takes %s', (datatype, given, expected) => {
    expect(elementsOf(datatype, [], given)).toEqual([expected]);
  });

  it.each<[Datatype, unknown, string]>([
    ['FP32', 'abc', 'expected a number, given "abc"'],
    ['FP32', '', 'expected a number, given an empty cell'],
    ['FP32', null, 'expected a number, given nothing'],
    ['FP32', '1,5', 'expected a number, given "1,5"'],
    ['FP32', '0x10', 'expected a number, given "0x10"'],
    ['FP32', 1e39, 'expected a number in the range of the input, given 1e+39'],
    ['FP16', 65_520, 'expected a number in the range of the input, given 65520'],
    ['FP32', new Date(0), 'expected a number, given a date'],
    ['FP32', [1, 2], 'expected a number, given a list of 2'],
    ['FP32', { a: 1 }, 'expected a number, given an object'],
    ['INT32', 2.5, 'expected a whole number from -2147483648 to 2147483647, given 2.5'],
    ['UINT8', 256, 'expected a whole number from 0 to 255, given 256'],
    ['INT64', '9223372036854775808', 'expected a whole number from -9223372036854775808 to 9223372036854775807, given "9223372036854775808"'],
    ['INT64', 2 ** 60, 'expected a whole number from -9223372036854775808 to 9223372036854775807, given 1152921504606847000'],
    ['BOOL', 'yes', 'expected true or false (or 1 or 0), given "yes"'],
    ['BYTES', 5, 'expected a text, given 5'],
    ['BYTES', 'a\0b', 'expected a text without NUL characters and unpaired surrogates, given "a\\u0000b"'],
  ])('%s refuses %s', (datatype, given, expected) => {
    expect(faultOf(datatype, [], given)).toBe(expected);
  });
});

describe('lists', () => {
  it.each<[number[], unknown, unknown[]]>([
    [[2], [1, 2], [1, 2]],
    [[2], '[1, 2]', [1, 2]],
    [[2], Float32Array.of(1, 2), [1, 2]],
    [[-1], [], []],
    [[1], 5, [5]],
    [[-1], '5', [5]],
    [
      [2, 2],
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
    ],
    [
      [2, 2],
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ],
    [
      [-1, 2],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
  ])('a row of shape %j takes %j', (rowShape, given, expected) => {
    expect(elementsOf('FP64', rowShape, given)).toEqual(expected);
  });

  it.each<[number[], unknown, string]>([
    [[2], [1, 2, 3], 'expected a list of 2, given a list of 3'],
    [[2], [1, 'x'], 'expected a number as value 2 of the list, given "x"'],
    [[2], 5, 'expected a list of 2, given 5'],
    [[2], '[1, 2', 'expected a list of 2, given "[1, 2"'],
    [[2, 2], [[1, 2], [3]], 'expected lists of shape [2,2], given a list of 1 at depth 2'],
    [[2, 2], [[1, 2], 3], 'expected lists of shape [2,2], given 3 at depth 2'],
    [[-1, -1], [[1, 2], [3]], 'expected lists of shape [-1,-1], given a list of 1 at depth 2'],
    [[2, 2], [1, 2, 3], 'expected lists of shape [2,2], given a list of 3'],
  ])('a row of shape %j refuses %j', (rowShape, given, expected) => {
    expect(faultOf('FP64', rowShape, given)).toBe(expected);
  });
});

describe('RowPacker', () => {
  const column = (name: string, index: number) => ({ name, index });
  const pairOf: InputPlan = {
    input: { name: 'p', datatype: 'FP32', shape: [-1, 2] },
    rowShape: [2],
    source: { kind: 'columns', columns: [column('a', 1), column('b', 2)] },
  };
  const text: InputPlan = { input: { name: 't', datatype: 'BYTES', shape: [-1] }, rowShape: [], source: { kind: 'column', column: column('t', 3) } };

  it('keeps nothing of a row whose second input is bad, and names the column', () => {
    const block = pack({ ids: [column('id', 0)], inputs: [pairOf, text] }, [cells('A', 1, 2, 'x'), cells('B', 3, 4, null), cells('C', 5, 6, 'y')]);
    expect(block.faults).toEqual([{ index: 1, column: 't', expected: 'a text', given: 'nothing' }]);
    expect(block.ids).toEqual([['A'], ['B'], ['C']]);
    expect(block.segments).toHaveLength(1);
    expect(block.segments[0]?.rows).toEqual([0, 2]);
    expect(block.segments[0]?.inputs.map((part) => part.data.length)).toEqual([16, 10]);
    expect(block.segments[0]?.inputs[1]?.ends).toEqual([5, 10]);
  });

  it('puts rows of another shape into a segment of their own', () => {
    const block = pack(bare('FP32', [-1]), [row([1]), row([2]), row([1, 2]), row('bad'), row([3, 4]), row([5])]);
    expect(block.segments.map((segment) => [segment.rows, segment.inputs[0]?.rowShape, segment.inputs[0]?.data.length])).toEqual([
      [[0, 1], [1], 8],
      [[2, 4], [2], 16],
      [[5], [1], 4],
    ]);
    expect(block.faults.map((fault) => fault.index)).toEqual([3]);
  });

  it('gives every row exactly once, in order, as a tensor or as a fault', () => {
    const value = fc.oneof(fc.float({ noNaN: true }), fc.constant('x'), fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (values) => {
        const block = pack(bare('FP64', [-1]), values.map(row));
        const seen = [...block.faults.map((fault) => fault.index), ...block.segments.flatMap((segment) => segment.rows)];
        expect(seen.sort((a, b) => a - b)).toEqual(values.map((_, index) => index));
        for (const segment of block.segments) {
          const [part] = segment.inputs;
          const count = part?.rowShape[0] ?? 0;
          expect(part?.data.length).toBe(8 * count * segment.rows.length);
          segment.rows.forEach((index, at) => {
            const given = values[index];
            const list = Array.isArray(given) ? given : [given];
            expect(Array.from({ length: count }, (_, each) => part?.data.readDoubleLE(8 * (at * count + each)))).toEqual(list);
          });
        }
      }),
    );
  });

  it('begins anew after each block', () => {
    const packer = new RowPacker(bare('FP32', []));
    packer.add(row(1));
    expect(packer.size).toBe(1);
    expect(packer.take(1, { row: 1 }).segments[0]?.inputs[0]?.data).toHaveLength(4);
    expect([packer.size, packer.bytes]).toEqual([0, 0]);
    packer.add(row('x'));
    expect(packer.take(2, { row: 2 })).toMatchObject({ firstRow: 2, rows: 1, faults: [{ index: 0 }], segments: [] });
  });

  it('keeps ids as JSON can, exact where a number is not', () => {
    const ids = [column('a', 0)];
    const given = [1, 2n ** 60n, 5n, new Date(0), Uint8Array.of(1, 2), null, undefined, 'x', [1n]];
    const block = pack(
      { ids, inputs: [{ ...text, source: { kind: 'column', column: column('t', 1) } }] },
      given.map((id) => cells(id, 't')),
    );
    expect(block.ids.flat()).toEqual([1, '1152921504606846976', 5, '1970-01-01T00:00:00.000Z', 'AQI=', null, null, 'x', [1]]);
  });
});
