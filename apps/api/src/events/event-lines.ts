import type { EventView } from '@slipway/contracts';
import { csvLine } from '../http/csv.js';

const columns = [
  'sequence',
  'id',
  'at',
  'actor',
  'action',
  'subjectKind',
  'subjectId',
  'subjectName',
  'reason',
  'before',
  'after',
  'requestId',
] as const;

/** Events as a file: a line of JSON each, or comma-separated with a head (RFC 4180), lists and objects as JSON. */
export async function* eventLines(pages: AsyncIterable<readonly EventView[]>, format: 'ndjson' | 'csv'): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns);
  for await (const events of pages) yield events.map(format === 'csv' ? asCsv : asNdjson).join('');
}

const asNdjson = (event: EventView) => `${JSON.stringify(event)}\n`;
const asCsv = (event: EventView) => csvLine(columns.map((column) => event[column]));
