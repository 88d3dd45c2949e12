import {
  DatasetOptions,
  type DatasetView,
  EvaluationItem,
  EvaluationResult,
  type EvaluationStatus,
  type EvaluationView,
  evaluationStatuses,
  invariant,
  LabelSummary,
} from '@slipway/contracts';
import { z } from 'zod';
import { toTableFormat } from '../batch-predictions/batch-prediction-mapper.js';
import { toTask } from '../versions/version-mapper.js';

/** A labelled set as it lies in the database. */
export interface DatasetRow {
  readonly id: string;
  readonly projectId: string;
  readonly modelId: string;
  readonly name: string;
  readonly description: string;
  readonly digest: string;
  readonly sizeBytes: bigint;
  readonly fileName: string | null;
  readonly format: string;
  readonly options: unknown;
  readonly automatic: boolean;
  readonly labels: unknown;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export function toDatasetView(row: DatasetRow, model: string): DatasetView {
  return {
    id: row.id,
    model,
    name: row.name,
    description: row.description,
    digest: row.digest,
    sizeBytes: Number(row.sizeBytes),
    fileName: row.fileName,
    format: toTableFormat(row.format),
    options: DatasetOptions.parse(row.options),
    automatic: row.automatic,
    labels: LabelSummary.parse(row.labels),
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
  };
}

/** An evaluation as it lies in the database, with its set. */
export interface EvaluationRow {
  readonly id: string;
  readonly projectId: string;
  readonly modelId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly dataset: Pick<DatasetRow, 'name' | 'digest'>;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly status: string;
  readonly reason: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly attempt: number;
  readonly task: unknown;
  readonly rowsRead: number | null;
  readonly rowsLabelled: number | null;
  readonly rowsAnswered: number | null;
  readonly rowErrors: unknown;
  readonly runMsPerRow: number | null;
  readonly result: unknown;
  readonly predictionsDigest: string | null;
}

/** What is read of the set with an evaluation. */
export const withDataset = { dataset: { select: { name: true, digest: true } } } as const;

const RowErrors = EvaluationItem.shape.rowErrors;

export function toEvaluationView(row: EvaluationRow, model: string): EvaluationView {
  return { ...headOf(row, model), result: toResult(row.result) };
}

export function toEvaluationItem(row: EvaluationRow, model: string): EvaluationItem {
  return { ...headOf(row, model), metrics: toResult(row.result)?.metrics ?? null };
}

export function toResult(value: unknown): EvaluationResult | null {
  return EvaluationResult.nullable().parse(value);
}

export function toEvaluationStatus(text: string): EvaluationStatus {
  const status = evaluationStatuses.find((known) => known === text);
  invariant(status !== undefined, 'an evaluation has a known status', { status: text });
  return status;
}

function headOf(row: EvaluationRow, model: string): Omit<EvaluationView, 'result'> {
  const rows = { read: row.rowsRead, labelled: row.rowsLabelled, answered: row.rowsAnswered };
  return {
    id: row.id,
    model,
    version: row.versionNumber,
    dataset: row.dataset.name,
    datasetDigest: row.dataset.digest,
    status: toEvaluationStatus(row.status),
    reason: row.reason,
    task: toTask(row.task) ?? null,
    rows: RowCounts.nullable().parse(rows.read === null ? null : rows),
    rowErrors: RowErrors.parse(row.rowErrors),
    attempts: row.attempt,
    runMsPerRow: row.runMsPerRow,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

const RowCounts = z.object({ read: z.number(), labelled: z.number(), answered: z.number() });
