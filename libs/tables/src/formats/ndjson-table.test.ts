import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { positionAfter, type TableLimits } from '../table.js';
import { batchesOf, rowsOf, temporaryFile } from '../testing/temporary-file.js';
import { openTable } from './open-table.js';
import { parseLine } from './parse-line.js';

const limits: TableLimits = { maxColumns: 100, maxRowBytes: 1_000 };
const open = async (text: string | Uint8Array) => openTable(await temporaryFile(text), 'ndjson', { header: true }, limits);
const value = (of: unknown) => ({ kind: 'value', value: of });

describe('an NDJSON file', () => {
  it('of objects has the names of its first row', async () => {
    const table = await open('{"a":1,"b":[2]}\r\n\n{"b":3}\n');
    expect(table.head).toEqual({ kind: 'objects', names: ['a', 'b'] });
    expect(await rowsOf(table)).toEqual([value({ a: 1, b: [2] }), value({ b: 3 })]);
  });

  it('of lists has no names', async () => {
    const table = await open('\ufeff[1,2]\n[3,4]');
    expect(table.head).toEqual({ kind: 'values' });
    expect(await rowsOf(table)).toEqual([value([1, 2]), value([3, 4])]);
  });

  it('has bad rows where lines are no JSON, no UTF-8 or too long, and goes on behind them', async () => {
    const table = await open(
      Buffer.concat([Buffer.from('{"a":1}\n{"a":\n{"a":"'), Buffer.from([0xe4]), Buffer.from(`"}\n"${'x'.repeat(5_000)}"\n{"a":2}\n`)]),
    );
    expect(await rowsOf(table)).toEqual([
      value({ a: 1 }),
      { kind: 'fault', expected: 'one JSON value', given: '"{\\"a\\":"' },
      { kind: 'fault', expected: 'UTF-8 text', given: 'other bytes' },
      { kind: 'fault', expected: 'at most 1000 bytes', given: 'a longer line' },
      value({ a: 2 }),
    ]);
  });

  it('is read on from behind any row as if it had been read from the start', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json({ maxDepth: 2 }), { minLength: 1, maxLength: 30 }), fc.nat(), async (lines, at) => {
        const table = await open(['{"a":1}', ...lines].join('\n'));
        const batches = await batchesOf(table);
        const all = batches.flatMap((batch) => batch.rows.map((row, index) => ({ row, end: positionAfter(batch, index) })));
        expect(all).toHaveLength(lines.length + 1);
        const index = at % all.length;
        expect(await rowsOf(table, all[index]?.end)).toEqual(all.slice(index + 1).map((each) => each.row));
        await table.close();
      }),
      { numRuns: 40 },
    );
  });

  it.each<[string, string, RegExp]>([
    ['nothing', ' \n \n', /this one has none/],
    ['a first line that is no JSON', 'a,b\n1,2\n', /the first line: expected one JSON value/],
    [
      'a first line of too many names',
      JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, index) => [index, 0]))),
      /at most 100 columns/,
    ],
  ])('with %s is refused when it is opened', async (_name, text, message) => {
    await expect(open(text)).rejects.toThrow(message);
  });
});

describe('parseLine', () => {
  it.each<[string, unknown]>([
    ['{"n":9223372036854775807,"m":-9007199254740993}', { n: '9223372036854775807', m: '-9007199254740993' }],
    ['[NaN,Infinity,-Infinity,1.5]', ['NaN', 'Infinity', '-Infinity', 1.5]],
    ['{"text":"NaN 12345678901234567890","x":0.1234567890123456}', { text: 'NaN 12345678901234567890', x: 0.1234567890123456 }],
    ['{"inputs":{"x":[1]},"label":2}', { x: [1], label: 2 }],
    ['{"inputs":[1,2]}', { inputs: [1, 2] }],
  ])('%s', (text, expected) => {
    expect(parseLine(text)).toEqual({ ok: true, value: expected });
  });

  it('reads whatever JSON can write', () => {
    fc.assert(fc.property(fc.json(), (text) => parseLine(text).ok));
  });

  it('stays linear on texts that are never closed', () => {
    const hostile = `${'"\\'.repeat(200_000)}1234567890123456`;
    const startedAt = performance.now();
    expect(parseLine(hostile).ok).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
