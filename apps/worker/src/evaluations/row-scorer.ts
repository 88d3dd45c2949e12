import { encodeInferBody, type Segment } from '@slipway/tables';
import { EvaluationFailure, ModelProcess, type ModelProcessOptions, ProcessEnded, type RowsReply } from './model-process.js';
import { ScoreColumns, type ScoredRow } from './score-columns.js';

/** Rows that ended the model's process before the evaluation is given up: each costs loading the model again. */
const deadlyRowsMost = 5;
const listedErrors = 20;

/** Sends rows to the model and finds out which of them it cannot take. A row without an answer has null. */
export class RowScorer {
  /** The first rows without an answer. */
  readonly errors: { row: number; message: string }[] = [];
  private model: ModelProcess | undefined;
  private deadlyRows = 0;
  private runMs = 0;
  private rowsRun = 0;

  constructor(
    private readonly options: ModelProcessOptions,
    private readonly rows: { readonly hasRows: boolean; readonly maxRows: number },
  ) {}

  /** Time of the model's runs, in ms per row; undefined before the first. */
  get runMsPerRow(): number | undefined {
    return this.rowsRun === 0 ? undefined : this.runMs / this.rowsRun;
  }

  /**
   * Predicts all rows of a segment, in its order.
   * @param numberOf the number of a row of the segment in the file
   * @throws EvaluationFailure, or the signal's reason
   */
  async score(segment: Segment, numberOf: (place: number) => number): Promise<ScoredRow[]> {
    const scored: ScoredRow[] = [];
    for (let from = 0; from < segment.rows.length; from += this.rows.maxRows) {
      const to = Math.min(segment.rows.length, from + this.rows.maxRows);
      scored.push(...(await this.range({ segment, numberOf }, from, to)));
    }
    return scored;
  }

  note(row: number, message: string): void {
    if (this.errors.length < listedErrors) this.errors.push({ row, message: message.slice(0, 500) });
  }

  async close(): Promise<void> {
    await this.model?.close();
    this.model = undefined;
  }

  private async range(part: Part, from: number, to: number): Promise<ScoredRow[]> {
    const reply = await this.send(part.segment, from, to);
    if (reply instanceof ProcessEnded) {
      if (to - from > 1) return this.oneByOne(part, from, to);
      this.deadlyRows += 1;
      this.note(part.numberOf(from), `${reply.message} on this row`);
      if (this.deadlyRows > deadlyRowsMost)
        throw new EvaluationFailure(
          `${this.deadlyRows} rows ended the model's process, and the evaluation was given up; the last one: ${reply.message}`,
        );
      return [{ prediction: null, scores: undefined }];
    }
    if (reply.kind === 'answered') return new ScoreColumns(reply).rows();
    if (to - from > 1) {
      const middle = from + Math.ceil((to - from) / 2);
      return [...(await this.range(part, from, middle)), ...(await this.range(part, middle, to))];
    }
    this.note(part.numberOf(from), reply.reason);
    return [{ prediction: null, scores: undefined }];
  }

  private async oneByOne(part: Part, from: number, to: number): Promise<ScoredRow[]> {
    const scored: ScoredRow[] = [];
    for (let row = from; row < to; row += 1) scored.push(...(await this.range(part, row, row + 1)));
    return scored;
  }

  private async send(segment: Segment, from: number, to: number): Promise<RowsReply | ProcessEnded> {
    this.model ??= await ModelProcess.start(this.options);
    try {
      const reply = await this.model.run(encodeInferBody(segment, from, to, this.rows.hasRows), to - from);
      if (reply.kind === 'answered') {
        this.runMs += reply.runMs;
        this.rowsRun += to - from;
      }
      return reply;
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      await this.close();
      return error;
    }
  }
}

interface Part {
  readonly segment: Segment;
  readonly numberOf: (place: number) => number;
}
