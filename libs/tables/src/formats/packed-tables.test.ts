import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SlipwayError } from '@slipway/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TableLimits, TableRow } from '../table.js';
import { rowsOf, temporaryFile } from '../testing/temporary-file.js';
import { openTable } from './open-table.js';

const folder = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const names = ['id', 'x', 'y', 'big', 'ok', 'word', 'list', 'maybe', 'day'];
const limits: TableLimits = { maxColumns: 100, maxRowBytes: 1024 * 1024 };
const formatOf = (name: string) => (name.endsWith('.parquet') ? 'parquet' : 'arrow');
const open = (path: string, name: string, bounds = limits) => openTable(path, formatOf(name), { header: true }, bounds);

/** The rows that make.py wrote. */
const expected = Array.from({ length: 300 }, (_, i) => [
  i % 50 === 0 ? null : `row-${i}`,
  i * 0.25,
  i - 150,
  2n ** 60n + BigInt(i),
  i % 3 === 0,
  ['red', 'green', 'blue'][i % 3],
  [i, i + 1, i + 2],
  i % 10 === 0 ? null : i * 1.5,
  new Date(Date.UTC(2024, 0, 1 + i)),
]);
const plain = (row: TableRow) =>
  row.kind === 'cells' ? row.cells.map((cell) => (ArrayBuffer.isView(cell) ? Array.from(cell as Float32Array) : (cell ?? null))) : row;

const files = [
  ...['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'indexed'].map((name) => `${name}.parquet`),
  ...['uncompressed.arrow', 'lz4.arrow', 'zstd.arrow', 'stream.arrows'],
];

describe.each(files)('%s', (name) => {
  it('is read as it was written', async () => {
    const table = await open(folder + name, name);
    expect(table.head).toEqual({ kind: 'columns', names });
    expect((await rowsOf(table)).map(plain)).toEqual(expected);
    await table.close();
  });

  it('is read on from any row, wanted columns only', async () => {
    const table = await open(folder + name, name);
    for (const row of [0, 1, 119, 120, 250, 299, 300]) {
      const rows = await rowsOf(table, { row }, new Set(['x', 'big']));
      expect(rows.map(plain)).toEqual(expected.slice(row).map((cells) => cells.map((cell, index) => (index === 1 || index === 3 ? cell : null))));
    }
    await table.close();
  });

  it('says that it is cut, wherever it is cut', async () => {
    const whole = readFileSync(folder + name);
    for (let bytes = 1; bytes < whole.length; bytes += Math.ceil(whole.length / 60)) {
      const rows = await readAnything(whole.subarray(0, bytes), name);
      // An Arrow stream has no end mark that is required; cut between two messages it is a shorter stream.
      if (rows !== 'unreadable') expect(expected.slice(0, rows.length)).toEqual(rows.map(plain));
      if (formatOf(name) === 'parquet') expect(rows).toBe('unreadable');
    }
  });
});

/** Reads to the end; everything but TABLE_UNREADABLE is a fault of ours. */
async function readAnything(bytes: Uint8Array, name: string): Promise<TableRow[] | 'unreadable'> {
  try {
    const table = await open(await temporaryFile(bytes), name);
    try {
      return await rowsOf(table);
    } finally {
      await table.close();
    }
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'TABLE_UNREADABLE') return 'unreadable';
    throw error;
  }
}

describe('bounds', () => {
  beforeAll(async () => {
    expect((await readdir(folder)).length).toBeGreaterThanOrEqual(files.length);
  });

  it.each(['none.parquet', 'uncompressed.arrow'])('%s: too many columns are refused when it is opened', async (name) => {
    await expect(open(folder + name, name, { ...limits, maxColumns: 8 })).rejects.toThrow(/at most 8 columns; the file has 9/);
  });

  it.each(['none.parquet', 'uncompressed.arrow'])('%s: parts over the limit are refused', async (name) => {
    const read = async () => {
      const table = await open(folder + name, name, { ...limits, maxRowBytes: 100 });
      await rowsOf(table);
    };
    await expect(read()).rejects.toThrow(/at most 1?[06]+0 are read/);
  });

  it('zstd.arrow: a batch that expands beyond the limit is refused', async () => {
    const bytes = readFileSync(`${folder}zstd.arrow`);
    // The first compressed buffer begins with its expanded size; the schema and the dictionary come before.
    const at = bytes.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) - 8;
    bytes.writeBigInt64LE(2n ** 40n, at);
    const table = await open(await temporaryFile(bytes), 'zstd.arrow');
    await expect(rowsOf(table)).rejects.toThrow(/expands to 1099511627776 bytes/);
    await table.close();
  });
});
