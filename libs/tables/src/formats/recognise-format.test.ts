import type { TableFormat } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { recogniseFormat } from './recognise-format.js';

it.each<[string, Uint8Array | string, { format?: TableFormat; fileName?: string }, TableFormat]>([
  ['a comma-separated line', 'a,b\n1,2\n', {}, 'csv'],
  ['a JSON object', ' \n{"a":1}', {}, 'ndjson'],
  ['a JSON list behind a byte-order mark', '\ufeff[1,2]', {}, 'ndjson'],
  ['a name against a guess', '{curly},b\n', { fileName: 'rows.CSV' }, 'csv'],
  ['a name of lines', '1\n2\n', { fileName: 'rows.jsonl' }, 'ndjson'],
  ['Parquet under another name', 'PAR1xxxx', { fileName: 'rows.csv' }, 'parquet'],
  ['an Arrow file', 'ARROW1\0\0', {}, 'arrow'],
  ['an Arrow stream', Uint8Array.of(255, 255, 255, 255, 16, 0, 0, 0), {}, 'arrow'],
  ['what was said of a text', '1\n2\n', { format: 'ndjson' }, 'ndjson'],
])('takes %s', (_name, head, said, format) => {
  expect(recogniseFormat(Buffer.from(head), said)).toBe(format);
});

it.each<[string, Uint8Array | string, { format?: TableFormat; fileName?: string }, RegExp]>([
  ['nothing', '', {}, /empty/],
  ['gzip', Uint8Array.of(0x1f, 0x8b, 8), { fileName: 'rows.csv.gz' }, /gzip/],
  ['an Excel workbook', 'PK\x03\x04', { fileName: 'rows.xlsx' }, /Excel/],
  ['UTF-16', Uint8Array.of(0xff, 0xfe, 0x61, 0), {}, /UTF-16/],
  ['bytes', Uint8Array.of(1, 2, 0, 3), {}, /none of them/],
  ['a text called Parquet', 'a,b\n', { fileName: 'rows.parquet' }, /named like parquet/],
  ['a text said to be Arrow', 'a,b\n', { format: 'arrow' }, /said to be arrow/],
  ['Parquet said to be CSV', 'PAR1', { format: 'csv' }, /is parquet/],
])('refuses %s with a sentence', (_name, head, said, message) => {
  expect(() => recogniseFormat(Buffer.from(head), said)).toThrow(message);
});
