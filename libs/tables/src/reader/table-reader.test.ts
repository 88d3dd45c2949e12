import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../blocks/block.js';
import { temporaryFile } from '../testing/temporary-file.js';
import { peekTable, type ReaderLimits, TableReader, type TableWish } from './table-reader.js';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const pair = { inputs: [{ name: 'p', datatype: 'FP32' as const, shape: [-1, 2] }], hasRows: true };
const wish = (path: string, change: Partial<TableWish> = {}): TableWish => ({
  path,
  format: 'csv',
  header: true,
  idColumns: [],
  model: pair,
  ...change,
});
const never = new AbortController().signal;

async function blocksOf(reader: TableReader): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let block = await reader.read(); block !== undefined; block = await reader.read()) blocks.push(block);
  return blocks;
}

async function readAll(of: TableWish, bounds: ReaderLimits = {}, rows = 100): Promise<{ rowsTotal: number | undefined; blocks: Block[] }> {
  const reader = new TableReader(of, { rows, bytes: 1_000_000 }, never, bounds);
  try {
    return { rowsTotal: await reader.open(), blocks: await blocksOf(reader) };
  } finally {
    await reader.close();
  }
}

describe('a reader of tables', () => {
  it('gives the rows as tensors, in blocks, with the bad ones named', async () => {
    const path = await temporaryFile('a,b,id\n1,2,x\n3,oops,y\n5,6,z\n');
    const { rowsTotal, blocks } = await readAll(wish(path, { idColumns: ['id'] }), {}, 2);
    expect(rowsTotal).toBeUndefined();
    expect(
      blocks.map(({ firstRow, rows, ids, faults, segments }) => ({ firstRow, rows, ids, faults, segments: segments.map((segment) => segment.rows) })),
    ).toEqual([
      { firstRow: 1, rows: 2, ids: [['x'], ['y']], faults: [{ index: 1, column: 'b', expected: 'a number', given: '"oops"' }], segments: [[0]] },
      { firstRow: 3, rows: 1, ids: [['z']], faults: [], segments: [[0]] },
    ]);
    expect([0, 4].map((at) => blocks[1]?.segments[0]?.inputs[0]?.data.readFloatLE(at))).toEqual([5, 6]);
  });

  it('goes on behind any block as if it had never stopped', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => (index % 97 === 0 ? `${index},bad` : `${index},${index * 2}`));
    const path = await temporaryFile(`a,b\n${lines.join('\n')}\n`);
    const { blocks } = await readAll(wish(path), {}, 700);
    for (const at of [0, 6]) {
      const rest = await readAll(wish(path, { from: blocks[at]?.end }), {}, 700);
      expect(rest.blocks).toEqual(blocks.slice(at + 1));
    }
  });

  it('peeks without reading, and says what does not fit', async () => {
    const path = await temporaryFile('a,b,c\n1,2,3\n');
    await expect(peekTable(wish(path), never)).rejects.toMatchObject({
      code: 'TABLE_MAPPING_REFUSED',
      message: expect.stringContaining('takes 2 values per row'),
    });
    expect(await peekTable(wish(path, { columns: ['c', 'a'] }), never)).toEqual({ rowsTotal: undefined });
    const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: [-1] }];
    expect(await peekTable(wish(`${fixtures}zstd.parquet`, { format: 'parquet', model: { inputs, hasRows: true } }), never)).toEqual({
      rowsTotal: 300,
    });
  });

  it('refuses more rows than it may give', async () => {
    const path = await temporaryFile('a,b\n1,2\n3,4\n5,6\n');
    await expect(readAll(wish(path), { maxRows: 2 }, 1)).rejects.toThrow('expected at most 2 rows; the file has more');
    const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: [-1] }];
    const packed = wish(`${fixtures}none.parquet`, { format: 'parquet', model: { inputs, hasRows: true } });
    await expect(peekTable(packed, never, { maxRows: 299 })).rejects.toThrow('expected at most 299 rows');
  });

  it('reads no further than it is asked to, and ends in the middle of a file', async () => {
    const path = await temporaryFile(`a,b\n${'1,2\n'.repeat(400_000)}`);
    const reader = new TableReader(wish(path), { rows: 50_000, bytes: 1_000_000 }, never, { memoryBytes: 300 * 1024 * 1024 });
    await reader.open();
    expect((await reader.read())?.rows).toBe(50_000);
    await reader.close();
    await reader.close();
  });

  it('loses nothing where its blocks are larger than a pipe', async () => {
    const path = await temporaryFile(`a,b\n${'1,2\n'.repeat(300_000)}`);
    const reader = new TableReader(wish(path), { rows: 20_000, bytes: 10_000_000 }, never);
    await reader.open();
    let rows = 0;
    for (let block = await reader.read(); block !== undefined; block = await reader.read()) rows += block.rows;
    expect(rows).toBe(300_000);
    await reader.close();
  });

  it('ends with its signal', async () => {
    const path = await temporaryFile(`a,b\n${'1,2\n'.repeat(1_000)}`);
    const ending = new AbortController();
    const reader = new TableReader(wish(path), { rows: 10, bytes: 1_000_000 }, ending.signal);
    await reader.open();
    ending.abort(new Error('enough'));
    await expect(blocksOf(reader)).rejects.toThrow('enough');
    await reader.close();
  });
});

describe('a hostile file', () => {
  it.skipIf(process.platform === 'win32')('that keeps its reader busy for good is given up', async () => {
    // A pipe that nobody writes to is a file without an end.
    const path = `${await temporaryFile('')}.pipe`;
    execFileSync('mkfifo', [path]);
    await expect(readAll(wish(path), { stallMs: 700 })).rejects.toThrow(/no progress for 0.7 s/);
  });

  it('that fills the memory ends its reader, not us', async () => {
    const path = await temporaryFile(`{"p":[1,2]}\n{"p":${'['.repeat(8_000_000)}`);
    const before = process.memoryUsage().rss;
    await expect(readAll(wish(path, { format: 'ndjson' }), { memoryBytes: 100 * 1024 * 1024 })).rejects.toThrow(/needs more than 100 MB of memory/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  it('of changed bytes ends in rows or in a sentence', async () => {
    const names = ['indexed.parquet', 'zstd.parquet', 'lz4.arrow', 'stream.arrows'] as const;
    const inputs = [
      { name: 'list', datatype: 'FP32' as const, shape: [-1, 3] },
      { name: 'x', datatype: 'FP32' as const, shape: [-1] },
    ];
    const change = fc.tuple(fc.nat(), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.array(change, { minLength: 1, maxLength: 3 }), async (name, changes) => {
        const bytes = readFileSync(fixtures + name);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const of = wish(await temporaryFile(bytes), { format: name.endsWith('parquet') ? 'parquet' : 'arrow', model: { inputs, hasRows: true } });
        try {
          await readAll(of, { stallMs: 1_000, memoryBytes: 400 * 1024 * 1024 });
        } catch (error) {
          expect(error).toBeInstanceOf(SlipwayError);
        }
      }),
      { numRuns: 10, endOnFailure: true },
    );
  }, 60_000);
});
