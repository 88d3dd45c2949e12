/** One flat row; null and undefined are empty cells. */
export type CsvRow = Readonly<Record<string, string | number | boolean | null | undefined>>;

const formulaStart = /^[=+\-@\t\r]/;
const decimalNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * Rows as comma-separated values with a head (RFC 4180).
 * @param columns stand first and are there even without rows; what else the rows have follows in the order it is first seen.
 */
export function csvOf(columns: readonly string[], rows: readonly CsvRow[]): string {
  const names = new Set(columns);
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  const head = [...names];
  return csvLine(head) + rows.map((row) => csvLine(head.map((name) => row[name]))).join('');
}

/** One line with its end. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/**
 * Lists and objects are JSON. Spreadsheets run text that begins with one of =+-@ or a tab as a formula; an apostrophe before it keeps it text.
 * A number is a number, also where it is text.
 */
export function csvCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const harmless = formulaStart.test(text) && !decimalNumber.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
