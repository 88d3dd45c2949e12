import { type FileHandle, open } from 'node:fs/promises';
import { limits, type TableFormat } from '@slipway/contracts';
import type { Table, TableLimits } from '../table.js';
import type { CsvOptions } from './csv-table.js';

const defaultLimits: TableLimits = { maxColumns: limits.batchColumns, maxRowBytes: limits.batchRowBytes };

/**
 * Opens a file as a table and reads what it says about its columns. Close it after use.
 * @throws SlipwayError TABLE_UNREADABLE
 */
export async function openTable(path: string, format: TableFormat, options: CsvOptions, bounds: TableLimits = defaultLimits): Promise<Table> {
  const file = await open(path, 'r');
  try {
    return await openFile(file, format, options, bounds);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Each format brings its own parser; a reader's process, which lives for one file, loads that one alone. */
async function openFile(file: FileHandle, format: TableFormat, options: CsvOptions, bounds: TableLimits): Promise<Table> {
  switch (format) {
    case 'csv':
      return (await import('./csv-table.js')).openCsv(file, options, bounds);
    case 'ndjson':
      return (await import('./ndjson-table.js')).openNdjson(file, bounds);
    case 'parquet':
      return (await import('./parquet-table.js')).openParquet(file, bounds);
    case 'arrow':
      return (await import('./arrow-table.js')).openArrow(file, bounds);
  }
}
