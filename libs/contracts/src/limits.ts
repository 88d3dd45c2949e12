/** Bounds that hold everywhere; each has a test at the bound. */
export const limits = {
  nameLength: 128,
  pageSizeDefault: 50,
  pageSizeMax: 200,
  controlBodyBytes: 1024 * 1024,
  inferBodyBytes: 64 * 1024 * 1024,
  artefactBytes: 4 * 1024 * 1024 * 1024,
  labelsPerRequest: 10_000,
  rowsPerRecord: 256,
  replicasMax: 64,
  reasonLength: 1000,
  descriptionLength: 20_000,
  idempotencyKeyLength: 255,
  deadlineMsMax: 600_000,
  columnNameLength: 1_000,
  batchRows: 10_000_000,
  batchColumns: 16_384,
  batchIdColumns: 32,
  /** One row of a file, as text. */
  batchRowBytes: 16 * 1024 * 1024,
  /** Batch predictions of a project that wait or run. */
  batchPredictionsAtOnce: 16,
  /** Rows without a prediction that are listed with their reasons; the result has them all. */
  batchListedErrors: 10_000,
} as const;
