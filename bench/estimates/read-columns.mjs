// Files of rows as columns: numbers where every value is one, texts otherwise.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openTable, recogniseBytes, recogniseFormat } from '@slipway/tables';

/** Columns by name, each an array of cells as the file has them. */
export async function readColumns(path) {
  if (!path.endsWith('.gz')) return readTable(path);
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-rows-'));
  try {
    const plain = join(folder, basename(path, '.gz'));
    writeFileSync(plain, gunzipSync(readFileSync(path)));
    return await readTable(plain);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readTable(path) {
  const format = recogniseFormat(readFileSync(path).subarray(0, recogniseBytes), { fileName: basename(path) });
  const table = await openTable(path, format, { header: true });
  try {
    if (table.head.kind === 'values') throw new Error(`${path}: expected rows with named columns`);
    const { names } = table.head;
    const columns = new Map(names.map((name) => [name, []]));
    for await (const { rows } of table.rows()) {
      for (const row of rows) {
        if (row.kind === 'fault') throw new Error(`${path}: expected ${row.expected}; given ${row.given}`);
        for (const [index, name] of names.entries()) columns.get(name).push(row.kind === 'cells' ? row.cells[index] : row.value?.[name]);
      }
    }
    return columns;
  } finally {
    await table.close();
  }
}

/** A column as numbers, or undefined where a value is none; absent values are NaN. */
export function numbersOf(cells) {
  const values = new Float64Array(cells.length);
  for (const [row, cell] of cells.entries()) {
    const isAbsent = cell === undefined || cell === null || cell === '';
    const number = isAbsent ? Number.NaN : typeof cell === 'boolean' ? Number(cell) : Number(cell);
    if (!isAbsent && Number.isNaN(number) && cell !== 'NaN' && cell !== 'nan') return undefined;
    values[row] = number;
  }
  return values;
}

export function textsOf(cells) {
  return cells.map((cell) => (cell === undefined || cell === null ? '' : String(cell).trim()));
}
