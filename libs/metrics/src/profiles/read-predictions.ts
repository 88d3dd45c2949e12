import type { Task } from '@slipway/contracts';
import { halfValues, isTexts, type ProfiledTensor } from './profiled-tensor.js';

/** The predicted class or value. */
export const predictionColumn = '@prediction';
/** The score of the positive class for a binary task, that of the predicted class for a multiclass one. */
export const scoreColumn = '@score';

/**
 * What is written to: two places per row, the predicted class or value and its score. Predicted classes are texts or numbers as their tensor
 * holds them; a text has its row's first place among the texts.
 */
export interface PredictionTarget {
  readonly texts: string[] | undefined;
  readonly numbers: Float64Array;
}

/**
 * Reads predicted classes or values, and their scores, out of outputs as a version's task says: the rules of the records (`predicted-rows.ts` of
 * the instance), for many rows at little cost. NaN where there is none.
 */
export class PredictionReader {
  private readonly isBinary: boolean;
  private readonly positive: number;
  /** Where the predicted class has its score: by a label's text or number. */
  private readonly columnByLabel: ReadonlyMap<string | number, number>;
  /** Labels are positions among named classes. */
  private readonly isIndex: boolean;

  constructor(private readonly task: Task) {
    const { classes, positiveClass } = task;
    this.isBinary = task.kind === 'binary';
    const positive = positiveClass === undefined ? -1 : (classes?.indexOf(positiveClass) ?? -1);
    this.positive = positive === -1 ? 1 : positive;
    this.columnByLabel = new Map((classes ?? []).map((label, column) => [label, column]));
    this.isIndex = typeof classes?.[0] === 'string';
  }

  /** The class that a number in the predictions stands for. */
  textOf(value: number, isLabel: boolean): string {
    const { classes } = this.task;
    return String(isLabel && !this.isIndex ? value : (classes?.[value] ?? value));
  }

  /** Reads `rows` rows, of `all` that the outputs have, from row `from` on. */
  read(
    predictions: ProfiledTensor | undefined,
    scores: ProfiledTensor | undefined,
    span: { from: number; rows: number; all: number },
    to: PredictionTarget,
    at: number,
  ): void {
    const columns = scores === undefined ? 0 : perRow(scores, span.all);
    const labels = predictions === undefined ? 0 : perRow(predictions, span.all);
    const isRegression = this.task.kind === 'regression';
    for (let row = 0; row < span.rows; row++) {
      const [start, place] = [(span.from + row) * columns, (at + row) * 2];
      const best = scores === undefined || columns === 0 || isRegression ? -1 : bestColumn(scores, start, columns);
      const label = predictions === undefined || labels === 0 ? undefined : labelAt(predictions, (span.from + row) * labels);
      if (to.texts !== undefined) to.texts[place] = typeof label === 'string' ? label : '';
      to.numbers[place] = typeof label === 'number' ? label : predictions !== undefined || best < 0 ? Number.NaN : best;
      to.numbers[place + 1] =
        scores === undefined || columns === 0 ? Number.NaN : finite(numberAt(scores, start + this.scoreOf(label, best, columns)));
    }
  }

  private scoreOf(label: string | number | undefined, best: number, columns: number): number {
    if (columns === 1) return 0;
    const wanted = this.isBinary ? this.positive : this.columnOf(label, best);
    return wanted < 0 || wanted >= columns ? Number.NaN : wanted;
  }

  private columnOf(label: string | number | undefined, best: number): number {
    if (label === undefined || (typeof label === 'number' && Number.isNaN(label))) return best;
    if (typeof label === 'number' && this.isIndex) return this.columnByLabel.size > label && label >= 0 ? label : best;
    return this.columnByLabel.get(label) ?? best;
  }
}

/** Values per row; 0 where they do not divide evenly. */
function perRow({ data }: ProfiledTensor, rows: number): number {
  const count = rows > 0 ? data.length / rows : 0;
  return Number.isInteger(count) ? count : 0;
}

function labelAt(tensor: ProfiledTensor, at: number): string | number {
  const { data } = tensor;
  return isTexts(data) ? (data[at] ?? '') : finite(numberAt(tensor, at));
}

function bestColumn(scores: ProfiledTensor, start: number, columns: number): number {
  if (columns === 1) return numberAt(scores, start) >= 0.5 ? 1 : 0;
  let best = -1;
  let highest = Number.NEGATIVE_INFINITY;
  for (let column = 0; column < columns; column++) {
    const score = numberAt(scores, start + column);
    if (score > highest) {
      highest = score;
      best = column;
    }
  }
  return best;
}

/** NaN beyond the end, and for the position NaN. */
function numberAt({ data, datatype }: ProfiledTensor, at: number): number {
  const value = Number(data[at] ?? Number.NaN);
  return datatype === 'FP16' ? (halfValues()[value] ?? Number.NaN) : value;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
