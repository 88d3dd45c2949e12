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
  /** A model card, as UTF-8. */
  cardBytes: 64 * 1024,
  /** Files beside the model that hold its weights. */
  externalFiles: 256,
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
  datasetRows: 1_000_000,
  datasetsPerModel: 32,
  /** Classes of a labelled set and a version together. */
  evaluationClasses: 1_000,
  /** Ended evaluations of one version on one set that are kept. */
  evaluationsKept: 10,
  gatesPerModel: 32,
  /** Reference profiles of one version that are kept. */
  referencesKept: 20,
  /** Rows that a reference profile is made of; of a larger set these are drawn evenly. */
  referenceRows: 200_000,
  /** Recorded requests of one replay, and replays of a project that wait or run. */
  replayRequests: 10_000,
  replaysAtOnce: 16,
  /** The most different requests of a replay that are listed side by side. */
  replayDifferences: 50,
} as const;
