import { open } from 'node:fs/promises';
import { limits, type TableFormat } from '@slipway/contracts';
import type { Table, TableLimits } from '../table.js';
import { openArrow } from './arrow-table.js';
import { type CsvOptions, openCsv } from './csv-table.js';
import { openNdjson } from './ndjson-table.js';
import { openParquet } from './parquet-table.js';

const defaultLimits: TableLimits = { maxColumns: limits.batchColumns, maxRowBytes: limits.batchRowBytes };

/**
 * Opens a file as a table and reads what it says about its columns. Close it after use.
 * @throws SlipwayError TABLE_UNREADABLE
 */
export async function openTable(path: string, format: TableFormat, options: CsvOptions, bounds: TableLimits = defaultLimits): Promise<Table> {
  const file = await open(path, 'r');
  try {
    switch (format) {
      case 'csv':
        return await openCsv(file, options, bounds);
      case 'ndjson':
        return await openNdjson(file, bounds);
      case 'parquet':
        return await openParquet(file, bounds);
      case 'arrow':
        return await openArrow(file, bounds);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
}
