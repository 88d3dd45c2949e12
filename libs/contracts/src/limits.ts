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
} as const;
