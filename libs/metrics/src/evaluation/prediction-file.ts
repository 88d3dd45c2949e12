import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { ArrangedRows } from './arrange-rows.js';
import type { Scores } from './labelled-rows.js';

/** What a version said about every labelled row of a set. */
export interface StoredRows {
  readonly arranged: ArrangedRows;
  /** Number of each row in the file, from 1. */
  readonly rowNumbers: Uint32Array;
  /** What the id column says, row by row; undefined when the set has none. */
  readonly ids?: readonly (string | number | null)[] | undefined;
}

const Head = z.object({
  form: z.literal('slipway-predictions-1'),
  kind: z.enum(['classifier', 'regressor']),
  rows: z.number().int().min(0),
  classes: z.array(z.string()),
  task: z.object({ kind: z.enum(['binary', 'multiclass']), positive: z.number().int() }).nullable(),
  scores: z.object({ columns: z.number().int().min(1), bytes: z.union([z.literal(4), z.literal(8)]) }).nullable(),
  ids: z.array(z.union([z.string(), z.number(), z.null()])).nullable(),
});

/**
 * The file that an evaluation leaves: gzip of the length of a JSON head (u32), the head, and behind it the columns: row numbers, true and predicted
 * classes (i32) or values (f64), scores row by row. All little-endian. The same rows give the same bytes, hence the same digest.
 */
export function encodePredictions({ arranged, rowNumbers, ids }: StoredRows): Buffer {
  const { rows } = arranged;
  const scores = 'scores' in rows ? rows.scores : undefined;
  const head: z.infer<typeof Head> = {
    form: 'slipway-predictions-1',
    kind: arranged.kind,
    rows: rowNumbers.length,
    classes: arranged.kind === 'classifier' ? [...arranged.rows.classes] : [],
    task: arranged.kind === 'classifier' ? { kind: arranged.task.kind, positive: arranged.task.positive } : null,
    scores: scores === undefined ? null : { columns: scores.columns, bytes: scores.values instanceof Float32Array ? 4 : 8 },
    ids: ids === undefined ? null : [...ids],
  };
  const json = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const columns = [rowNumbers, rows.truth, rows.predicted, ...(scores === undefined ? [] : [scores.values])];
  return gzipSync(Buffer.concat([length, json, ...columns.map(bytesOf)]), { level: 6 });
}

/** @throws Error when the bytes are no such file */
export function decodePredictions(file: Uint8Array): StoredRows {
  const bytes = gunzipSync(file);
  const start = 4 + bytes.readUInt32LE(0);
  const head = Head.parse(JSON.parse(bytes.toString('utf8', 4, start)));
  let at = start;
  const take = (count: number, size: number): ArrayBuffer => {
    const end = at + count * size;
    if (end > bytes.length) throw new Error('the file of predictions is shorter than it says');
    const part = new Uint8Array(bytes.subarray(at, end)).buffer;
    at = end;
    return part;
  };
  const rowNumbers = new Uint32Array(take(head.rows, 4));
  const ids = head.ids ?? undefined;
  if (head.kind === 'regressor') {
    const rows = { truth: new Float64Array(take(head.rows, 8)), predicted: new Float64Array(take(head.rows, 8)) };
    return { arranged: { kind: 'regressor', rows }, rowNumbers, ids };
  }
  const [truth, predicted] = [new Int32Array(take(head.rows, 4)), new Int32Array(take(head.rows, 4))];
  const scores = head.scores === null ? undefined : scoresFrom(take(head.rows * head.scores.columns, head.scores.bytes), head.scores);
  const task = head.task ?? { kind: 'multiclass', positive: 0 };
  return { arranged: { kind: 'classifier', rows: { classes: head.classes, truth, predicted, scores }, task }, rowNumbers, ids };
}

function scoresFrom(bytes: ArrayBuffer, { columns, bytes: size }: { readonly columns: number; readonly bytes: 4 | 8 }): Scores {
  return { columns, values: size === 4 ? new Float32Array(bytes) : new Float64Array(bytes) };
}

function bytesOf(values: Uint32Array | Int32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
