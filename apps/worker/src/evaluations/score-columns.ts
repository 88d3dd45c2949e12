import type { RowsReply } from './model-process.js';

/** What became of one row. */
export interface ScoredRow {
  readonly prediction: string | number | null;
  readonly scores: ArrayLike<number> | undefined;
}

/** An answer taken apart into rows. */
export class ScoreColumns {
  private readonly values: Float32Array | Float64Array;

  constructor(private readonly reply: Extract<RowsReply, { kind: 'answered' }>) {
    // Numbers need memory that is aligned.
    const bytes = new Uint8Array(reply.body).buffer;
    this.values = reply.scoreBytes === 4 ? new Float32Array(bytes) : new Float64Array(bytes);
  }

  /** A row whose scores are no numbers has no usable answer, whatever label comes with them. */
  rows(): ScoredRow[] {
    const { predictions, scores: columns } = this.reply;
    return predictions.map((prediction, row) => {
      if (columns === 0) return { prediction, scores: undefined };
      const scores = this.values.subarray(row * columns, (row + 1) * columns);
      return scores.every(Number.isFinite) ? { prediction, scores } : { prediction: null, scores: undefined };
    });
  }
}
