import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { positionAfter, type TableLimits } from '../table.js';
import { batchesOf, rowsOf, temporaryFile } from '../testing/temporary-file.js';
import { guessDelimiter } from './csv-table.js';
import { openTable } from './open-table.js';

const limits: TableLimits = { maxColumns: 100, maxRowBytes: 10_000 };
const open = async (text: string | Uint8Array, options: { header?: boolean; delimiter?: string } = {}) =>
  openTable(await temporaryFile(text), 'csv', { header: true, ...options }, limits);
const cells = (...values: string[]) => ({ kind: 'cells', cells: values });

describe('a CSV file', () => {
  it.each<[string, string, unknown[]]>([
    ['plain', 'a,b\n1,2\n3,4\n', [cells('1', '2'), cells('3', '4')]],
    ['without a last line end', 'a,b\n1,2', [cells('1', '2')]],
    ['with Windows line ends, a byte-order mark and blank lines', '\ufeffa,b\r\n\r\n1,2\r\n\r\n', [cells('1', '2')]],
    ['with quotes, line ends and commas in cells', 'a,b\n"x,""y""\n z",2\n', [cells('x,"y"\n z', '2')]],
    ['with loose quotes', 'a,b\n5" pipe,"x"y\n', [cells('5" pipe', '"x"y')]],
    ['with semicolons', 'a;b\n1,5;2\n', [cells('1,5', '2')]],
    ['with a row that is too short', 'a,b\n1\n3,4\n', [{ kind: 'fault', expected: '2 cells', given: '1' }, cells('3', '4')]],
    ['with a header alone', 'a,b\n', []],
  ])('%s', async (_name, text, rows) => {
    const table = await open(text);
    expect(table.head).toEqual({ kind: 'columns', names: ['a', 'b'] });
    expect(await rowsOf(table)).toEqual(rows);
    await table.close();
  });

  it('begins behind its header, also when it is told to begin at the first row', async () => {
    const table = await open('a,b\n1,2\n');
    expect(await rowsOf(table, { row: 0 })).toEqual([cells('1', '2')]);
    await table.close();
  });

  it('names its columns itself when it has no header', async () => {
    const table = await open('1,2\n3,4\n', { header: false });
    expect(table.head).toEqual({ kind: 'columns', names: ['column1', 'column2'] });
    expect(await rowsOf(table)).toEqual([cells('1', '2'), cells('3', '4')]);
  });

  it('is read on from behind any row as if it had been read from the start', async () => {
    const cell = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', '"', 'é\r\n', '1.5'));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 40 }), fc.nat(), async (rows, at) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = `a,b\n${rows.map((row) => row.map(quoted).join(',')).join('\n')}\n`;
        const table = await open(text);
        const all = (await batchesOf(table)).flatMap((batch) => batch.rows.map((row, index) => ({ row, end: positionAfter(batch, index) })));
        expect(all.map((each) => each.row)).toEqual(rows.map((row) => cells(...row)));
        const index = at % rows.length;
        expect(await rowsOf(table, all[index]?.end)).toEqual(all.slice(index + 1).map((each) => each.row));
        await table.close();
      }),
      { numRuns: 40 },
    );
  });

  it('is read in pieces that cut rows anywhere', async () => {
    const rows = Array.from({ length: 60_000 }, (_, index) => `${index},é${index * 2}`);
    const table = await open(`a,b\n${rows.join('\n')}\n`);
    const batches = await batchesOf(table);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.flatMap((batch) => batch.rows)).toEqual(rows.map((row) => cells(...row.split(','))));
    await table.close();
  });
});

describe('a CSV file that cannot be read', () => {
  it.each<[string, string | Uint8Array, RegExp]>([
    ['a quote that is never closed', 'a,b\n1,2\n"3,4\n5,6\n', /row 2: a quote is opened and never closed/],
    ['a row over the limit', `a,b\n1,2\n"${'x'.repeat(20_000)}`, /row 2: expected at most 10000 bytes/],
    ['other bytes than UTF-8', Buffer.from('a,b\n1,\xe4\n', 'latin1'), /expected UTF-8/],
  ])('%s ends the reading with a sentence', async (_name, text, message) => {
    const table = await open(text);
    await expect(rowsOf(table)).rejects.toThrow(message);
    await table.close();
  });

  it.each<[string, string, RegExp]>([
    ['no rows at all', '\n\n', /this one has none/],
    ['numbers for names', '0.1,2,3e5\n1,2,3\n', /names of the columns in the first line; given numbers \(0.1, 2, 3e5\)/],
    ['too many columns', `${Array.from({ length: 101 }, (_, index) => `c${index}`).join(',')}\n`, /at most 100 columns; the file has 101/],
  ])('%s is refused when it is opened', async (_name, text, message) => {
    await expect(open(text)).rejects.toThrow(message);
  });
});

it('finds the delimiter outside quotes', () => {
  expect(guessDelimiter('"a,b,c";d;e')).toBe(';');
  expect(guessDelimiter('a\tb,c\td')).toBe('\t');
  expect(guessDelimiter('alone')).toBe(',');
});
