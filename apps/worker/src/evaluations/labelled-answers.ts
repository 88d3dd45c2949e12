import type { AnsweredRows } from '@slipway/metrics';
import { EvaluationFailure } from './model-process.js';
import type { ScoredRow } from './score-columns.js';

/** Scores that one evaluation keeps in memory and in its file: 256 MB. */
export const scoresMost = 32 * 1024 * 1024;

/** Gathers what was said about labelled rows, in the order of the file. */
export class LabelledAnswers {
  private readonly labels: string[] = [];
  private readonly predictions: (string | number | null)[] = [];
  private readonly scores: (ArrayLike<number> | undefined)[] = [];
  private readonly numbers: number[] = [];
  private readonly ids: (string | number | null)[] = [];
  private columns = 0;
  answered = 0;

  get count(): number {
    return this.labels.length;
  }

  /** @throws EvaluationFailure when there are more scores than can be kept, or rows with different numbers of them */
  add(row: { readonly number: number; readonly id: unknown; readonly label: string }, { prediction, scores }: ScoredRow): void {
    this.numbers.push(row.number);
    this.ids.push(
      typeof row.id === 'string' || typeof row.id === 'number' ? row.id : row.id === null || row.id === undefined ? null : JSON.stringify(row.id),
    );
    this.labels.push(row.label);
    this.predictions.push(prediction);
    this.scores.push(scores);
    if (prediction !== null) this.answered += 1;
    if (scores === undefined) return;
    if (this.columns !== 0 && this.columns !== scores.length)
      throw new EvaluationFailure(`the model scores ${this.columns} classes for one row and ${scores.length} for another`);
    this.columns = scores.length;
    if (this.columns * this.count > scoresMost)
      throw new EvaluationFailure(`expected at most ${scoresMost} scores (rows times classes); this version gives more. Use a set with fewer rows`);
  }

  rows(): AnsweredRows & { readonly rowNumbers: Uint32Array; readonly ids: readonly (string | number | null)[] } {
    const { labels, predictions, ids } = this;
    const rowNumbers = Uint32Array.from(this.numbers);
    if (this.columns === 0) return { labels, predictions, rowNumbers, ids };
    const isSingle = this.scores.every((scores) => scores === undefined || scores instanceof Float32Array);
    const values = isSingle ? new Float32Array(this.count * this.columns) : new Float64Array(this.count * this.columns);
    values.fill(Number.NaN);
    for (const [row, scores] of this.scores.entries()) if (scores !== undefined) values.set(scores, row * this.columns);
    return { labels, predictions, scores: { columns: this.columns, values }, rowNumbers, ids };
  }
}
