import type { EventView } from '@slipway/contracts';

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
  if (format === 'csv') yield `${columns.join(',')}\r\n`;
  for await (const events of pages) yield events.map(format === 'csv' ? csvLine : ndjsonLine).join('');
}

const ndjsonLine = (event: EventView) => `${JSON.stringify(event)}\n`;
const csvLine = (event: EventView) => `${columns.map((column) => csvCell(event[column])).join(',')}\r\n`;

/** Spreadsheets run a cell that begins with one of =+-@ or a tab as a formula; an apostrophe before it keeps it text. */
function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const harmless = /^[=+\-@\t\r]/.test(text) && typeof value !== 'number' ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
