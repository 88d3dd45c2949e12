import { limits, RecordedOutputs } from '@slipway/contracts';
import { parsePredictionRef } from './prediction-id.js';

/** One row of a recorded prediction request, as it is stored. */
export interface PredictionRow {
  readonly atMs: number;
  readonly id: string;
  readonly row: number;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly clientId: string | null;
  /** The class as text. */
  readonly predicted: string | null;
  /** The value of a regression, or the class when it is a number. */
  readonly predictedNumber: number | null;
  readonly score: number | null;
  /** Null in lines of before it was kept. */
  readonly queueMicros: number | null;
  readonly computeMicros: number;
  readonly rows: number;
  /** With which probability a prediction was recorded then, above 0 to 1; sums weigh a row by its inverse. */
  readonly probability: number;
  /** By the names of the revision's slices; null without any. */
  readonly slices: Readonly<Record<string, string>> | null;
  /** What the input that names a row held. */
  readonly joinKey: string | null;
  readonly outputs: RecordedOutputs | null;
  /** Redacted and sealed, see `sealed-inputs.ts`. */
  readonly inputs: Buffer | null;
}

/** The first line of a spool file: whose records follow, and what they leave out. */
export interface SpoolHead {
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly sliceNames: readonly string[];
}

const sliceNamesMax = 8;
const textMax = 1024;
const sealedInputsMax = 64 * 1024;
const microsMax = 2_147_483_647;

/** Reads the first line of a spool file; undefined for any other line. */
export function parseSpoolHead(line: string): SpoolHead | undefined {
  const record = parseObject(line);
  if (record === undefined || record['h'] !== 1) return undefined;
  const head = ownersOf(record);
  const names = (listOf(record['v']) ?? []).map(textOf);
  return head === undefined ? undefined : { ...head, sliceNames: names.slice(0, sliceNamesMax) };
}

/**
 * Reads one line of an instance's spool: its id, and per row what was predicted (`p`), its score (`s`), its slices (`v`), its join key (`j`), its other outputs
 * (`o`) and its sealed inputs (`x`). An instance that was started by an older program names the owner in every line.
 * @param head of the line's file.
 * @returns undefined for a line that is no record: torn by a crash, without an owner, or not ours.
 */
export function parseSpoolLine(line: string, head?: SpoolHead): PredictionRow[] | undefined {
  const record = parseObject(line);
  if (record === undefined) return undefined;
  const ref = parsePredictionRef(textOf(record['id']));
  const owners = (record['dep'] === undefined ? undefined : ownersOf(record)) ?? head;
  const rows = record['n'] ?? 1;
  if (ref === undefined || !isCount(rows) || owners === undefined) return undefined;
  const said: SaidOfAll = {
    atMs: ref.atMs,
    id: ref.id,
    clientId: textOf(record['cid']) || null,
    queueMicros: microsOf(record['q']) ?? (head === undefined ? null : 0),
    computeMicros: microsOf(record['us']) ?? 0,
    rows,
    probability: probabilityOf(record['w']),
  };
  const count = Math.min(listOf(record['p'])?.length ?? rows, rows, limits.rowsPerRecord);
  const parsed: PredictionRow[] = [];
  for (let row = 0; row < count; row += 1) parsed.push(rowOf(record, { owners, said, row, sliceNames: head?.sliceNames ?? [] }));
  return parsed;
}

/** What a line says of all its rows. */
type SaidOfAll = Pick<PredictionRow, 'atMs' | 'id' | 'clientId' | 'queueMicros' | 'computeMicros' | 'rows' | 'probability'>;
interface RowOf {
  readonly owners: Omit<SpoolHead, 'sliceNames'>;
  readonly said: SaidOfAll;
  readonly row: number;
  readonly sliceNames: readonly string[];
}

/** Named one by one and not spread: thousands a second pass here, and rows of one shape are read several times as fast. */
function rowOf(record: Record<string, unknown>, { owners, said, row, sliceNames }: RowOf): PredictionRow {
  const value = listOf(record['p'])?.[row];
  const number = numberOf(value);
  return {
    atMs: said.atMs,
    id: said.id,
    row,
    deploymentId: owners.deploymentId,
    revisionId: owners.revisionId,
    versionId: owners.versionId,
    versionNumber: owners.versionNumber,
    clientId: said.clientId,
    predicted: predictedOf(value, number),
    predictedNumber: number,
    score: numberOf(listOf(record['s'])?.[row]),
    queueMicros: said.queueMicros,
    computeMicros: said.computeMicros,
    rows: said.rows,
    probability: said.probability,
    slices: slicesOf(listOf(record['v'])?.[row], sliceNames),
    joinKey: textOf(listOf(record['j'])?.[row]).slice(0, textMax) || null,
    outputs: outputsOf(listOf(record['o'])?.[row]),
    inputs: inputsOf(listOf(record['x'])?.[row]),
  };
}

function ownersOf(record: Record<string, unknown>): Omit<SpoolHead, 'sliceNames'> | undefined {
  const [deploymentId, revisionId, versionId] = [textOf(record['dep']), textOf(record['rev']), textOf(record['ver'])];
  if (deploymentId === '' || revisionId === '' || versionId === '') return undefined;
  return { deploymentId, revisionId, versionId, versionNumber: isCount(record['vn']) ? record['vn'] : 0 };
}

/**
 * A number is kept as such, and as text too when it is whole: it is then either a class or a value, and which of them the version's task says,
 * which people may correct later.
 */
function predictedOf(value: unknown, number: number | null): string | null {
  if (typeof value === 'string') return textOf(value).slice(0, textMax);
  return number !== null && Number.isInteger(number) ? String(number) : null;
}

function slicesOf(values: unknown, names: readonly string[]): PredictionRow['slices'] {
  if (!Array.isArray(values) || names.length === 0) return null;
  return Object.fromEntries(names.flatMap((name, at) => (typeof values[at] === 'string' ? [[name, textOf(values[at]).slice(0, textMax)]] : [])));
}

function outputsOf(value: unknown): RecordedOutputs | null {
  if (value === undefined || value === null) return null;
  const parsed = RecordedOutputs.safeParse(value);
  return parsed.success ? withoutNul(parsed.data) : null;
}

/** PostgreSQL's JSON has no NUL either. */
function withoutNul(outputs: RecordedOutputs): RecordedOutputs {
  const text = JSON.stringify(outputs);
  return text.includes('\\u0000') ? RecordedOutputs.parse(JSON.parse(text.replaceAll('\\u0000', '\\ufffd'))) : outputs;
}

function inputsOf(value: unknown): Buffer | null {
  return typeof value === 'string' && value !== '' && value.length <= sealedInputsMax ? Buffer.from(value, 'base64') : null;
}

function probabilityOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && value <= 1 ? value : 1;
}

function microsOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.min(Math.round(value), microsMax) : null;
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** PostgreSQL's text has no NUL; a caller's own id may. */
function textOf(value: unknown): string {
  if (typeof value !== 'string') return '';
  return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
