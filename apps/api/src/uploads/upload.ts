import type { StagedArtefact } from '@slipway/registry';
import type { UploadFields } from './upload-fields.js';

export interface UploadLimits {
  readonly maxBytes: number;
  /** A sender may be silent for this long. */
  readonly stallMs: number;
}

/** What a route takes beside the file. */
export interface UploadShape<Fields> extends UploadLimits {
  readonly fields: UploadFields<Fields>;
  /** What the file is, for messages: "the model file". */
  readonly what: string;
}

/** A file that has arrived, and what was said about it. */
export interface Upload<Fields> {
  readonly staged: StagedArtefact;
  readonly fileName: string | undefined;
  readonly fields: Fields;
}
