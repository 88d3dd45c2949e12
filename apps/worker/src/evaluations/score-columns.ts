import type { RowsReply } from './model-process.js';

/** What became of one row. */
export interface ScoredRow {
  readonly prediction: string | number | null;
  readonly scores: ArrayLike<number> | undefined;
  /** The columns that were asked for, in the order of the layout, numbers and texts apart; absent where none were. */
  readonly columns?: { readonly numbers: Float64Array; readonly texts: readonly string[] } | undefined;
}

/** An answer taken apart into rows. */
export class ScoreColumns {
  private readonly values: Float32Array | Float64Array;
  private readonly numbers: Float64Array;

  constructor(private readonly reply: Extract<RowsReply, { kind: 'answered' }>) {
    // Numbers need memory that is aligned.
    const bytes = new Uint8Array(reply.body).buffer;
    const scored = reply.predictions.length * reply.scores;
    const end = scored * reply.scoreBytes;
    this.values = reply.scoreBytes === 4 ? new Float32Array(bytes, 0, scored) : new Float64Array(bytes, 0, scored);
    this.numbers = new Float64Array(bytes.slice(end));
  }

  /** A row whose scores are no numbers has no usable answer, whatever label comes with them. */
  rows(): ScoredRow[] {
    const { predictions, scores: columns } = this.reply;
    return predictions.map((prediction, row) => {
      const asked = this.columnsOf(row);
      if (columns === 0) return { prediction, scores: undefined, ...asked };
      const scores = this.values.subarray(row * columns, (row + 1) * columns);
      return scores.every(Number.isFinite) ? { prediction, scores, ...asked } : { prediction: null, scores: undefined, ...asked };
    });
  }

  private columnsOf(row: number): Pick<ScoredRow, 'columns'> {
    const { columns } = this.reply;
    if (columns === undefined) return {};
    return { columns: { numbers: this.numbers.subarray(row * columns.numbers, (row + 1) * columns.numbers), texts: columns.texts[row] ?? [] } };
  }
}
