import { mostRelative } from './noise-bins.js';

/** What one run said of one row. */
export interface ProbedAnswer {
  /** What a prediction is made of: scores of all classes, a value, or all numbers of the outputs. */
  readonly values: ArrayLike<number>;
  /** The predicted class; undefined or null where there is none. */
  readonly label?: string | number | null | undefined;
}

/** How far several answers to one sample lie apart. */
export interface AnswerSpread {
  /** Unbiased variance over the answers, summed over the values; of finite values. */
  readonly variance: number;
  /** Root of the variance by the length of the mean answer; at most `mostRelative`. */
  readonly relative: number;
  /** Answers that have a label, and those among them whose label is not the most frequent one. */
  readonly labels: number;
  readonly flips: number;
}

/**
 * The noise of R ≥ 2 answers to one sample: Σₖ Σᵣ (yᵣₖ − ȳₖ)² / (R − 1), and its root relative to ‖ȳ‖. Answers that are equally infinite, or all
 * not a number, do not differ; where only some are, or where the answers have different lengths, they cannot be compared and the relative noise
 * is the largest there is. Answers without any number are compared by their labels: the noise is the share that differs.
 * @returns undefined for fewer than two
 */
export function answerSpread(answers: readonly ProbedAnswer[]): AnswerSpread | undefined {
  const [first] = answers;
  if (first === undefined || answers.length < 2) return undefined;
  const { labels, flips } = countFlips(answers);
  const size = first.values.length;
  if (answers.some(({ values }) => values.length !== size)) return { variance: 0, relative: mostRelative, labels, flips };
  let [variance, squares, isBroken] = [0, 0, false];
  for (let at = 0; at < size; at += 1) {
    const column = answers.map(({ values }) => values[at] ?? Number.NaN);
    if (column.every((value) => Number.isFinite(value))) {
      const { mean, unbiased } = momentsOf(column);
      variance += unbiased;
      squares += mean * mean;
    } else if (column.some((value) => !Object.is(value, column[0]))) isBroken = true;
  }
  if (isBroken) return { variance, relative: mostRelative, labels, flips };
  if (size === 0) return { variance, relative: labels === 0 ? 0 : flips / labels, labels, flips };
  return { variance, relative: variance === 0 ? 0 : Math.min(mostRelative, Math.sqrt(variance / squares)), labels, flips };
}

/** In two passes: the differences are small against the values. */
function momentsOf(values: readonly number[]): { readonly mean: number; readonly unbiased: number } {
  const [first = 0] = values;
  // Of equal values exactly none, whatever their sum is rounded to.
  if (values.every((value) => value === first)) return { mean: first, unbiased: 0 };
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, unbiased: squares / (values.length - 1) };
}

/** Class names are compared as texts: one version may say 1 where the other says "1". */
function countFlips(answers: readonly ProbedAnswer[]): { readonly labels: number; readonly flips: number } {
  const counts = new Map<string, number>();
  let labels = 0;
  for (const { label } of answers) {
    if (label === undefined || label === null) continue;
    labels += 1;
    counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  }
  return labels < 2 ? { labels: 0, flips: 0 } : { labels, flips: labels - Math.max(...counts.values()) };
}
