import {
  BatchPredictionOptions,
  type BatchPredictionStatus,
  type BatchPredictionView,
  batchPredictionStatuses,
  invariant,
  type ResultFormat,
  resultFormats,
  type TableFormat,
  tableFormats,
} from '@slipway/contracts';
import { z } from 'zod';

/** A batch prediction as it lies in the database. */
export interface BatchPredictionRow {
  readonly id: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly version: number | null;
  readonly inputDigest: string;
  readonly inputBytes: bigint;
  readonly fileName: string | null;
  readonly format: string;
  readonly options: unknown;
  readonly resultFormat: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly status: string;
  readonly reason: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly attempt: number;
  readonly attemptsSinceCheckpoint: number;
  readonly resultAttempt: number | null;
  readonly waitingFor: string | null;
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly rowsTotal: number | null;
  readonly position: unknown;
  readonly readRatio: number;
  readonly resultBytes: bigint;
  readonly versions: unknown;
  readonly resultDigest: string | null;
}

/** Where reading goes on. */
export const BatchPosition = z.object({ row: z.number().int().min(0), offset: z.number().int().min(0).optional() });
export type BatchPosition = z.infer<typeof BatchPosition>;

/** Rows answered by each version, by its number. */
export type VersionRows = ReadonlyMap<number, number>;

/** The view of a batch prediction. @param retentionDays how long it is kept after its end. */
export function toBatchPredictionView(row: BatchPredictionRow, retentionDays: number): BatchPredictionView {
  const status = toStatus(row.status);
  const { rowsDone, rowsFailed, rowsTotal } = row;
  return {
    id: row.id,
    deployment: row.deploymentName,
    version: row.version,
    status,
    reason: row.reason,
    waitingFor: status === 'RUNNING' ? row.waitingFor : null,
    input: { digest: row.inputDigest, sizeBytes: Number(row.inputBytes), fileName: row.fileName, format: toTableFormat(row.format) },
    options: BatchPredictionOptions.parse(row.options),
    resultFormat: toResultFormat(row.resultFormat),
    rows: { done: rowsDone, failed: rowsFailed, total: rowsTotal },
    progress: progressOf(status, row),
    versions: [...toVersionRows(row.versions)].map(([version, rows]) => ({ version, rows })),
    attempts: row.attempt,
    result: row.resultDigest === null ? null : { digest: row.resultDigest, sizeBytes: Number(row.resultBytes) },
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    expiresAt: row.finishedAt === null ? null : new Date(row.finishedAt.getTime() + retentionDays * 86_400_000).toISOString(),
  };
}

/** Whether it is over; nothing but its removal changes it then. */
export function isOver(status: BatchPredictionStatus): boolean {
  return status !== 'QUEUED' && status !== 'RUNNING';
}

export function toStatus(text: string): BatchPredictionStatus {
  const status = batchPredictionStatuses.find((known) => known === text);
  invariant(status !== undefined, 'a batch prediction has a known status', { status: text });
  return status;
}

export function toTableFormat(text: string): TableFormat {
  const format = tableFormats.find((known) => known === text);
  invariant(format !== undefined, 'a table has a known format', { format: text });
  return format;
}

export function toResultFormat(text: string): ResultFormat {
  const format = resultFormats.find((known) => known === text);
  invariant(format !== undefined, 'a result has a known format', { format: text });
  return format;
}

export function toVersionRows(value: unknown): Map<number, number> {
  const entries = Object.entries(z.record(z.string(), z.number()).parse(value)).map(([version, rows]): [number, number] => [Number(version), rows]);
  return new Map(entries.sort(([a], [b]) => a - b));
}

function progressOf(status: BatchPredictionStatus, row: BatchPredictionRow): number {
  if (status === 'COMPLETED' || status === 'COMPLETED_WITH_ERRORS') return 1;
  const ratio = row.rowsTotal === null || row.rowsTotal === 0 ? row.readRatio : row.rowsDone / row.rowsTotal;
  return Math.min(1, Math.max(0, Math.round(ratio * 10_000) / 10_000));
}
