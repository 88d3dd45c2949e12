import { z } from 'zod';
import { leastCount, type Moments, mergeMoments, noMoments, removeMoments, scaleMoments } from './moments.js';

const Count = z.number();
const MomentsShape = z.object({ n: Count, mean: z.number(), m2: z.number() });
/** Rows and a sum over them. */
const Pair = z.tuple([Count, z.number()]);
/** Rows, those of the class itself, and the sum of the scores. */
const Triple = z.tuple([Count, Count, z.number()]);
const Bins = z.record(z.string(), Count);

/** One score per row (the positive class's, or the predicted class's), of the rows with one true class. */
const ScoreCounts = z.object({
  /** Rows and sum of the scores by bin. */
  bins: z.record(z.string(), Pair),
  /** Scores that are no probabilities. */
  outside: Count,
  /** −ln p and −ln(1 − p), (1 − p)² and p²: loss when the class is the one the score speaks of, and when it is not. */
  log1: MomentsShape,
  log0: MomentsShape,
  square1: MomentsShape,
  square0: MomentsShape,
});
export type ScoreCounts = z.infer<typeof ScoreCounts>;

/** Rows with scores of all classes. */
const VectorCounts = z.object({
  n: Count,
  /** Rows whose scores are no probabilities that add up to 1. */
  outside: Count,
  logLoss: MomentsShape,
  brier: MomentsShape,
  /** By place of the class: bins of its score. */
  columns: z.array(z.record(z.string(), Triple)),
});
export type VectorCounts = z.infer<typeof VectorCounts>;

const ErrorCounts = z.object({
  /** Of e = predicted − true, |e|, e², the true value, its size, |e|·|true|, |e|/|true|. */
  error: MomentsShape,
  absolute: MomentsShape,
  squared: MomentsShape,
  truth: MomentsShape,
  size: MomentsShape,
  product: MomentsShape,
  percentage: MomentsShape,
  /** Bins of |e| and of |true|. */
  absoluteBins: Bins,
  sizeBins: Bins,
});
export type ErrorCounts = z.infer<typeof ErrorCounts>;

/** What is counted of the predictions of a window and of their labels. Everything adds up over windows and can be taken out again. */
export const QualityCounts = z.object({
  /** All predictions by bin of what was predicted. */
  all: Bins,
  /** Labelled ones by the same bin: rows, how many were right (classes) or the sum of |e| (values), and the sum of the scores. */
  labelled: z.record(z.string(), z.tuple([Count, z.number(), z.number()])),
  /** By true class and predicted class, as `classKey` has them; an empty key is no class. */
  cells: z.record(z.string(), Bins),
  /** By true class, as `classKey` has it. */
  scores: z.record(z.string(), ScoreCounts),
  vectors: VectorCounts.nullable(),
  /** By how many classes scored higher than the true one; `-`: more than are recorded. */
  ranks: Bins,
  /** 1 − probability of the true class; without probabilities 1 for a wrong class and 0 for the right one. */
  loss: MomentsShape,
  errors: ErrorCounts.nullable(),
  /** Σw² − Σw over the weights of the labelled rows, see `effectiveCounts`. */
  excess: Count,
});
export type QualityCounts = z.infer<typeof QualityCounts>;

/** Different cells, bins of classes and the like in one window; further ones are counted as `…other`. */
export const mostKeys = 2_000;
const otherKey = '…other';

/** A class as a key: what callers name may not be a name that objects have by themselves. */
export const classKey = {
  of: (name: string) => `=${name}`,
  parse: (key: string) => (key.startsWith('=') ? key.slice(1) : key),
};

export function noCounts(): QualityCounts {
  return { all: {}, labelled: {}, cells: {}, scores: {}, vectors: null, ranks: {}, loss: noMoments, errors: null, excess: 0 };
}

/**
 * Counts as they are stored; a window without anything has an empty object. What this library wrote itself is not checked again: thousands of windows are
 * read for one chart.
 */
export function readCounts(stored: unknown): QualityCounts {
  return typeof stored === 'object' && stored !== null && 'all' in stored ? Object.assign(noCounts(), stored) : noCounts();
}

/** Adds (`sign` 1) counts to others or takes them out (−1). Changes `into`. */
export function addCounts(into: QualityCounts, part: QualityCounts, sign: 1 | -1 = 1): void {
  addBins(into.all, part.all, sign);
  addTuples(into.labelled, part.labelled, sign);
  for (const [label, bins] of Object.entries(part.cells)) {
    const own = countsAt(into.cells, label, () => ({}));
    addBins(own, bins, sign);
    if (Object.keys(own).length === 0) dropKey(into.cells, label);
  }
  for (const [label, scores] of Object.entries(part.scores)) {
    const own = countsAt(into.scores, label, noScores);
    addScores(own, scores, sign);
    if (Object.keys(own.bins).length === 0) dropKey(into.scores, label);
  }
  if (part.vectors !== null) into.vectors = addVectors(into.vectors ?? noVectors(), part.vectors, sign);
  addBins(into.ranks, part.ranks, sign);
  into.loss = addMoments(into.loss, part.loss, sign);
  if (part.errors !== null) into.errors = addErrors(into.errors ?? noErrors(), part.errors, sign);
  into.excess = Math.max(0, into.excess + sign * part.excess);
}

/** Labelled rows, each as often as it counts. */
export function labelledWeight({ loss, errors }: QualityCounts): number {
  return loss.n + (errors?.error.n ?? 0);
}

/**
 * What labelled rows of unequal weights are worth. Of records that stand for w predictions each, sums are those of all predictions, but no more is known
 * than of (Σw)² / Σw² rows (L. Kish, 1965): counted as that many, means stay what they are and intervals become as wide as they must be. Counts of
 * rows that all stand for themselves are given back as they are.
 */
export function effectiveCounts(counts: QualityCounts): QualityCounts {
  const weight = labelledWeight(counts);
  return isWeighted(counts) && weight > 0 ? scaleCounts(counts, weight / (weight + counts.excess)) : counts;
}

/** Whether some labelled rows stand for more than themselves; what rounding leaves of such rows that were taken out again is not meant. */
export function isWeighted({ excess }: QualityCounts): boolean {
  return excess > 1e-6;
}

/** Counts in which every row counts `factor` times as often. */
export function scaleCounts(counts: QualityCounts, factor: number): QualityCounts {
  const weight = labelledWeight(counts);
  const { vectors, errors } = counts;
  return {
    all: scaleBins(counts.all, factor),
    labelled: mapValues(counts.labelled, ([n, good, sum]) => [n * factor, good * factor, sum * factor]),
    cells: mapValues(counts.cells, (bins) => scaleBins(bins, factor)),
    scores: mapValues(counts.scores, ({ bins, outside, log1, log0, square1, square0 }) => ({
      bins: mapValues(bins, ([n, sum]): [number, number] => [n * factor, sum * factor]),
      outside: outside * factor,
      ...{ log1: scaleMoments(log1, factor), log0: scaleMoments(log0, factor) },
      ...{ square1: scaleMoments(square1, factor), square0: scaleMoments(square0, factor) },
    })),
    vectors: vectors === null ? null : scaleVectors(vectors, factor),
    ranks: scaleBins(counts.ranks, factor),
    loss: scaleMoments(counts.loss, factor),
    errors: errors === null ? null : scaleErrors(errors, factor),
    excess: Math.max(0, factor * factor * (weight + counts.excess) - factor * weight),
  };
}

function scaleVectors({ n, outside, logLoss, brier, columns }: VectorCounts, factor: number): VectorCounts {
  return {
    ...{ n: n * factor, outside: outside * factor, logLoss: scaleMoments(logLoss, factor), brier: scaleMoments(brier, factor) },
    columns: columns.map((bins) => mapValues(bins, ([rows, own, sum]): [number, number, number] => [rows * factor, own * factor, sum * factor])),
  };
}

function scaleErrors(errors: ErrorCounts, factor: number): ErrorCounts {
  const { error, absolute, squared, truth, size, product, percentage, absoluteBins, sizeBins } = errors;
  const scaled = (moments: Moments) => scaleMoments(moments, factor);
  return {
    ...{ error: scaled(error), absolute: scaled(absolute), squared: scaled(squared), truth: scaled(truth) },
    ...{ size: scaled(size), product: scaled(product), percentage: scaled(percentage) },
    ...{ absoluteBins: scaleBins(absoluteBins, factor), sizeBins: scaleBins(sizeBins, factor) },
  };
}

const scaleBins = (bins: Readonly<Record<string, number>>, factor: number) => mapValues(bins, (count) => count * factor);

function mapValues<T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

export function noScores(): ScoreCounts {
  return { bins: {}, outside: 0, log1: noMoments, log0: noMoments, square1: noMoments, square0: noMoments };
}

export function noVectors(): VectorCounts {
  return { n: 0, outside: 0, logLoss: noMoments, brier: noMoments, columns: [] };
}

export function noErrors(): ErrorCounts {
  const none = { error: noMoments, absolute: noMoments, squared: noMoments, truth: noMoments, size: noMoments, product: noMoments };
  return { ...none, percentage: noMoments, absoluteBins: {}, sizeBins: {} };
}

function addScores(into: ScoreCounts, part: ScoreCounts, sign: 1 | -1): void {
  addTuples(into.bins, part.bins, sign);
  into.outside += sign * part.outside;
  for (const key of ['log1', 'log0', 'square1', 'square0'] as const) into[key] = addMoments(into[key], part[key], sign);
}

function addVectors(into: VectorCounts, part: VectorCounts, sign: 1 | -1): VectorCounts | null {
  into.n += sign * part.n;
  into.outside += sign * part.outside;
  into.logLoss = addMoments(into.logLoss, part.logLoss, sign);
  into.brier = addMoments(into.brier, part.brier, sign);
  part.columns.forEach((bins, index) => {
    const own = into.columns[index] ?? {};
    into.columns[index] = own;
    addTuples(own, bins, sign);
  });
  return into.n >= leastCount ? into : null;
}

function addErrors(into: ErrorCounts, part: ErrorCounts, sign: 1 | -1): ErrorCounts | null {
  for (const key of ['error', 'absolute', 'squared', 'truth', 'size', 'product', 'percentage'] as const)
    into[key] = addMoments(into[key], part[key], sign);
  addBins(into.absoluteBins, part.absoluteBins, sign);
  addBins(into.sizeBins, part.sizeBins, sign);
  return into.error.n >= leastCount ? into : null;
}

const addMoments = (into: QualityCounts['loss'], part: QualityCounts['loss'], sign: 1 | -1) =>
  sign === 1 ? mergeMoments(into, part) : removeMoments(into, part);

/** Counts in a bin. */
export function addToBin(into: Record<string, number>, key: string, count = 1): void {
  const place = keyIn(into, key);
  into[place] = (into[place] ?? 0) + count;
}

/** Adds to the sums of a bin. */
export function addToSums<T extends number[]>(into: Record<string, T>, key: string, values: T): void {
  const place = keyIn(into, key);
  const own = into[place];
  if (own === undefined) into[place] = values;
  else
    values.forEach((value, index) => {
      own[index] = (own[index] ?? 0) + value;
    });
}

/** What is under a key, made when there is nothing yet. */
export function countsAt<T>(counts: Record<string, T>, key: string, make: () => T): T {
  const place = keyIn(counts, key);
  const own = counts[place];
  if (own !== undefined) return own;
  const made = make();
  counts[place] = made;
  return made;
}

function addBins(into: Record<string, number>, part: Readonly<Record<string, number>>, sign: 1 | -1): void {
  const placeOf = placesIn(into);
  for (const key in part) {
    const place = placeOf(key);
    const sum = (into[place] ?? 0) + sign * (part[key] ?? 0);
    if (sum >= leastCount) into[place] = sum;
    else dropKey(into, place);
  }
}

/** The first of each tuple counts rows: without any the whole tuple is nothing. */
function addTuples<T extends number[]>(into: Record<string, T>, part: Readonly<Record<string, T>>, sign: 1 | -1): void {
  const placeOf = placesIn(into);
  for (const key in part) {
    const values = part[key];
    if (values === undefined) continue;
    const place = placeOf(key);
    const own = into[place];
    if (own === undefined) {
      if (sign === 1) into[place] = [...values] as typeof values;
      continue;
    }
    for (let index = 0; index < values.length; index += 1) own[index] = (own[index] ?? 0) + sign * (values[index] ?? 0);
    if ((own[0] ?? 0) < leastCount) dropKey(into, place);
  }
}

/** As `keyIn`, for many keys of one part: what is there is counted once, not for every new key. */
function placesIn(counts: Readonly<Record<string, unknown>>): (key: string) => string {
  let size: number | undefined;
  return (key) => {
    if (counts[key] !== undefined) return key;
    size ??= Object.keys(counts).length;
    if (size >= mostKeys) return otherKey;
    size += 1;
    return key;
  };
}

/** A key that is there stays itself; a further one than the bound allows is counted with the others. */
function keyIn(counts: Readonly<Record<string, unknown>>, key: string): string {
  if (Object.hasOwn(counts, key) || Object.keys(counts).length < mostKeys) return key;
  return otherKey;
}

function dropKey(counts: Record<string, unknown>, key: string): void {
  delete counts[key];
}
