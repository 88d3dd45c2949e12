import type { VersionFields } from '@slipway/contracts';
import type { StagedArtefact } from '@slipway/registry';

export interface UploadLimits {
  readonly maxBytes: number;
  /** A sender may be silent for this long. */
  readonly stallMs: number;
}

/** A file that has arrived, and what was said about it. */
export interface Upload {
  readonly staged: StagedArtefact;
  readonly fileName: string | undefined;
  readonly fields: VersionFields;
}
