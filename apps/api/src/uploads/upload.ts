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
  /** Further files, each in a part of this name; without it a form has one file. All files together have at most `maxBytes`. */
  readonly further?: { readonly part: string; readonly maxFiles: number };
}

/** One further file of a form. */
export interface FurtherFile {
  readonly staged: StagedArtefact;
  /** As sent: it means something to the model, so it is checked and never mended. */
  readonly name: string;
}

/** A file that has arrived, and what was said about it. */
export interface Upload<Fields> {
  readonly staged: StagedArtefact;
  readonly fileName: string | undefined;
  readonly further: readonly FurtherFile[];
  readonly fields: Fields;
}
