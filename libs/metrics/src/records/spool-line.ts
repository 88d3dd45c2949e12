import { limits } from '@slipway/contracts';
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
  readonly computeMicros: number;
  readonly rows: number;
}

/**
 * Reads one line of an instance's spool: id, owner, rows, and per row what was predicted (`p`) and its score (`s`).
 * @returns undefined for a line that is no record: torn by a crash, or not ours.
 */
export function parseSpoolLine(line: string): PredictionRow[] | undefined {
  const record = parseObject(line);
  if (record === undefined) return undefined;
  const ref = parsePredictionRef(textOf(record['id']));
  const rows = record['n'];
  const [deploymentId, revisionId, versionId] = [textOf(record['dep']), textOf(record['rev']), textOf(record['ver'])];
  if (ref === undefined || !isCount(rows) || deploymentId === '' || revisionId === '' || versionId === '') return undefined;
  const predictions = listOf(record['p']);
  const scores = listOf(record['s']);
  const count = Math.min(predictions?.length ?? rows, rows, limits.rowsPerRecord);
  const shared = {
    atMs: ref.atMs,
    id: ref.id,
    deploymentId,
    revisionId,
    versionId,
    versionNumber: isCount(record['vn']) ? record['vn'] : 0,
    clientId: textOf(record['cid']) || null,
    computeMicros: isCount(record['us']) ? Math.min(record['us'], 2_147_483_647) : 0,
    rows,
  };
  return Array.from({ length: count }, (_, row) => ({ ...shared, row, ...predictionOf(predictions?.[row]), score: numberOf(scores?.[row]) }));
}

/**
 * A number is kept as such, and as text too when it is whole: it is then either a class or a value, and which of them the version's task says,
 * which people may correct later.
 */
function predictionOf(value: unknown): Pick<PredictionRow, 'predicted' | 'predictedNumber'> {
  if (typeof value === 'string') return { predicted: textOf(value).slice(0, 1024), predictedNumber: null };
  const number = numberOf(value);
  return { predicted: number !== null && Number.isInteger(number) ? String(number) : null, predictedNumber: number };
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** PostgreSQL's text has no NUL; a caller's own id may. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : '';
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
