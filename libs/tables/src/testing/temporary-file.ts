import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { RowBatch, Table, TablePosition, TableRow } from '../table.js';

const folders: string[] = [];
afterAll(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** A file that is gone when the tests of a file have run. */
export async function temporaryFile(content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-tables-'));
  folders.push(folder);
  const path = join(folder, 'file');
  await writeFile(path, content);
  return path;
}

/** All rows behind a position. */
export async function rowsOf(table: Table, from?: TablePosition, wanted?: ReadonlySet<string>): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  for await (const batch of table.rows(from, wanted)) rows.push(...batch.rows);
  return rows;
}

export async function batchesOf(table: Table): Promise<RowBatch[]> {
  const batches: RowBatch[] = [];
  for await (const batch of table.rows()) batches.push(batch);
  return batches;
}
