import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { batchPredictionStatuses } from '../statuses.js';
import { plainText } from '../text.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';

/** Forms of a table in a file. `arrow` is the IPC format, as a file or as a stream. */
export const tableFormats = ['csv', 'ndjson', 'parquet', 'arrow'] as const;
export type TableFormat = (typeof tableFormats)[number];
export const resultFormats = ['ndjson', 'csv'] as const;
export type ResultFormat = (typeof resultFormats)[number];
/** Between the cells of a CSV file. */
export const delimiters = [',', ';', '\t', '|'] as const;

const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (SHA-256)');
const ColumnName = plainText(limits.columnNameLength).min(1);
const distinct = (names: readonly string[]) => new Set(names).size === names.length;
const Columns = z.array(ColumnName).refine(distinct, 'expected each column once');

const common = {
  deployment: ResourceName,
  /** A version that the deployment serves; without it, whichever serves at the moment. */
  version: z.number().int().min(1).max(2_147_483_647).optional(),
  /** Recognised by content and name when it is not said. */
  format: z.enum(tableFormats).optional(),
  /** The columns that make up the one input of the model, in its order; without them, columns named like the inputs, or all in file order. */
  columns: Columns.min(1).max(limits.batchColumns).optional(),
  /** Columns copied to the result, so that its rows can be told apart. */
  idColumns: Columns.max(limits.batchIdColumns).default([]),
  /** CSV: whether the first line names the columns; without names they are called column1, column2 … */
  header: z.boolean().default(true),
  /** CSV: recognised in the first line when it is not said. */
  delimiter: z.enum(delimiters).optional(),
  resultFormat: z.enum(resultFormats).default('ndjson'),
};

/** Beside an uploaded file: the fields of a form, or the query. `digest` is checked when it is said. */
export const BatchPredictionFields = z.strictObject({ ...common, digest: Digest.optional() });
export type BatchPredictionFields = z.infer<typeof BatchPredictionFields>;

/** Over a file that is stored already: the input or result of another batch prediction of the project. */
export const CreateBatchPrediction = z.strictObject({ ...common, input: z.strictObject({ digest: Digest, fileName: plainText(255).optional() }) });
export type CreateBatchPrediction = z.infer<typeof CreateBatchPrediction>;

/** How the rows of a file become requests; kept with the job. */
export const BatchPredictionOptions = z.object({
  columns: z.array(z.string()).optional(),
  idColumns: z.array(z.string()),
  header: z.boolean(),
  delimiter: z.enum(delimiters).optional(),
});
export type BatchPredictionOptions = z.infer<typeof BatchPredictionOptions>;

export const BatchPredictionView = z.object({
  id: z.string(),
  deployment: z.string(),
  /** As wished; null: whichever serves. */
  version: z.number().int().nullable(),
  status: z.enum(batchPredictionStatuses),
  /** Why it failed; null otherwise. */
  reason: z.string().nullable(),
  /** Why a running job stands still at the moment; null while it goes on. */
  waitingFor: z.string().nullable(),
  input: z.object({ digest: z.string(), sizeBytes: z.number().int(), fileName: z.string().nullable(), format: z.enum(tableFormats) }),
  options: BatchPredictionOptions,
  resultFormat: z.enum(resultFormats),
  /** `done` counts answered and failed rows; `total` is null until it is known. */
  rows: z.object({ done: z.number().int(), failed: z.number().int(), total: z.number().int().nullable() }),
  /** 0–1, by rows where their number is known, else by bytes of the file. */
  progress: z.number(),
  /** Which versions answered how many rows. */
  versions: z.array(z.object({ version: z.number().int(), rows: z.number().int() })),
  /** How often a worker took it up; more than 1 after a worker was lost or restarted. */
  attempts: z.number().int(),
  result: z.object({ digest: z.string(), sizeBytes: z.number().int() }).nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  startedAt: Instant.nullable(),
  finishedAt: Instant.nullable(),
  /** When it is removed with its files; null while it is under way. */
  expiresAt: Instant.nullable(),
});
export type BatchPredictionView = z.infer<typeof BatchPredictionView>;
export const BatchPredictionPage = pageOf(BatchPredictionView);

export const BatchPredictionQuery = PageQuery.extend({ deployment: ResourceName.optional(), status: z.enum(batchPredictionStatuses).optional() });
export type BatchPredictionQuery = z.infer<typeof BatchPredictionQuery>;

/** A row that has no prediction. `row` counts from 1, without the header. */
export const RowErrorView = z.object({ row: z.number().int(), column: z.string().nullable(), message: z.string() });
export type RowErrorView = z.infer<typeof RowErrorView>;
/** The first of them, by row; the result has them all. */
export const RowErrorPage = pageOf(RowErrorView);
