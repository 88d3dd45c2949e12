import { SlipwayError, type TableFormat } from '@slipway/contracts';

const extensions: Readonly<Record<string, TableFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  arrow: 'arrow',
  arrows: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
};
const binary: ReadonlySet<TableFormat> = new Set(['parquet', 'arrow']);

/** Forms that people send by mistake, by their first bytes. */
const strangers: readonly { readonly magic: readonly number[]; readonly what: string }[] = [
  { magic: [0x1f, 0x8b], what: 'a gzip file' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: 'a Zstandard file' },
  { magic: [0x50, 0x4b, 0x03, 0x04], what: 'a ZIP file (an Excel workbook is one)' },
  { magic: [0xd0, 0xcf, 0x11, 0xe0], what: 'an old Excel workbook' },
  { magic: [0xff, 0xfe], what: 'UTF-16 text' },
  { magic: [0xfe, 0xff], what: 'UTF-16 text' },
];

/** Bytes of a file's start that are enough to recognise it. */
export const recogniseBytes = 512;

/**
 * The format of a table by its first bytes, its name and what was said about it. What lies in the file wins over its name.
 * @throws SlipwayError TABLE_UNREADABLE when it is none, or another one than was said.
 */
export function recogniseFormat(
  head: Uint8Array,
  said: { readonly format?: TableFormat | undefined; readonly fileName?: string | undefined },
): TableFormat {
  if (head.length === 0) throw new SlipwayError('TABLE_UNREADABLE', 'expected a file with rows; this one is empty');
  const seen = formatOfMagic(head);
  if (seen === undefined) {
    const stranger = strangers.find(({ magic }) => startsWith(head, magic));
    if (stranger !== undefined)
      throw new SlipwayError('TABLE_UNREADABLE', `expected CSV, NDJSON, Parquet or Arrow, not compressed; given ${stranger.what}`);
  }
  const { format } = said;
  if (format === undefined) return seen ?? textFormat(head, said.fileName);
  if (seen === format || (seen === undefined && !binary.has(format))) return format;
  throw new SlipwayError(
    'TABLE_UNREADABLE',
    `the format was said to be ${format}, but the file ${seen === undefined ? `does not begin like one` : `is ${seen}`}`,
  );
}

function formatOfMagic(head: Uint8Array): TableFormat | undefined {
  if (startsWith(head, [...Buffer.from('PAR1')])) return 'parquet';
  if (startsWith(head, [...Buffer.from('ARROW1')])) return 'arrow';
  // The stream form begins with a continuation marker and the length of the schema message.
  return startsWith(head, [0xff, 0xff, 0xff, 0xff]) ? 'arrow' : undefined;
}

function textFormat(head: Uint8Array, fileName: string | undefined): TableFormat {
  const named = extensions[/\.([a-z]+)$/i.exec(fileName ?? '')?.[1]?.toLowerCase() ?? ''];
  if (named !== undefined && !binary.has(named)) return named;
  if (named !== undefined) throw new SlipwayError('TABLE_UNREADABLE', `the file is named like ${named}, but does not begin like one`);
  if (head.includes(0)) throw new SlipwayError('TABLE_UNREADABLE', 'expected CSV, NDJSON, Parquet or Arrow; the file begins like none of them');
  const first = Buffer.from(head)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()[0];
  return first === '{' || first === '[' ? 'ndjson' : 'csv';
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.length <= head.length && magic.every((byte, index) => head[index] === byte);
}
