import type { Task } from '@slipway/contracts';
import { calibrationBins, calibrationError, equalMassBins, equalWidthBins, type ReliabilityBin } from '../evaluation/calibration.js';
import type { RegressedRows } from '../evaluation/labelled-rows.js';
import { averagePrecision, type RankedScores, rankScores, rocAuc, rocAucVariance } from '../evaluation/ranking.js';
import { placeOfBin } from './count-bins.js';
import type { LabelledRow } from './count-rows.js';
import { type Interval, meanOfIntervals, normalInterval, wilsonInterval, z95 } from './intervals.js';
import { type Moments, mergeMoments, noMoments, varianceOf } from './moments.js';
import { classKey, type QualityCounts } from './quality-counts.js';
import { measureOf, noMeasure, type WindowMeasure } from './window-measure.js';

/** Labelled rows as they are, for what bins only tell about. */
export interface ScoredRows {
  readonly rows: readonly LabelledRow[];
  /** For a regression. */
  readonly values: RegressedRows;
}

/** Puts rows into the form that the formulas take. */
export function scoredRows(rows: readonly LabelledRow[]): ScoredRows {
  const values = rows.filter(({ labelNumber, predictedNumber }) => labelNumber !== null && predictedNumber !== null);
  return {
    rows,
    values: {
      truth: Float64Array.from(values, ({ labelNumber }) => labelNumber ?? Number.NaN),
      predicted: Float64Array.from(values, ({ predictedNumber }) => predictedNumber ?? Number.NaN),
    },
  };
}

interface Classes {
  readonly task: Task;
  readonly classes: readonly string[];
  readonly positive: number | undefined;
}

/** Fewer rows say nothing about calibration in ten bins (`monitoring.md` 6.7). */
const minCalibrated = 100;
const noScores = 'no labelled row has scores';
const oneSided = 'a class does not occur, or occurs alone, or has no score, among the labelled rows';
const noProbabilities = 'the scores are no probabilities: expected values of 0 to 1 that add up to 1 in each row';

export interface ScoreMeasures {
  readonly metrics: Record<string, WindowMeasure>;
  readonly perClass: readonly Record<string, WindowMeasure>[];
  /** How sure the model was against how often it was right, in groups of equally many rows; null without probabilities. */
  readonly reliability: () => readonly ReliabilityBin[] | null;
}

/** Metrics that need scores: areas under curves, losses, calibration, the places of the true class. */
export function measureScores(counts: QualityCounts, of: Classes, rows?: ScoredRows): ScoreMeasures {
  const ranks = measureRanks(counts, of);
  return of.positive === undefined ? measureMany(counts, of, ranks, rows) : measureBinary(counts, of, of.positive, rows);
}

function measureBinary(counts: QualityCounts, { classes }: Classes, positive: number, rows: ScoredRows | undefined): ScoreMeasures {
  const name = classes[positive] ?? '';
  const ranking = rows === undefined ? binaryBins(counts, name) : binaryRows(rows, classes, name);
  const known = classes
    .map((label) => ({ isPositive: label === name, own: counts.scores[classKey.of(label)] }))
    .flatMap(({ isPositive, own }) => (own === undefined ? [] : [{ isPositive, own }]));
  const outside = known.reduce((sum, { own }) => sum + own.outside, 0);
  const pick = (one: 'log1' | 'square1', other: 'log0' | 'square0'): Moments =>
    known.reduce((all, { isPositive, own }) => mergeMoments(all, own[isPositive ? one : other]), noMoments);
  const metrics = {
    ...areasOf(ranking),
    ...lossesOf({ logLoss: pick('log1', 'log0'), brier: pick('square1', 'square0'), outside, ranking }),
  };
  return { metrics, perClass: [], reliability: () => reliabilityOf(ranking, outside) };
}

function measureMany(counts: QualityCounts, { classes }: Classes, ranks: Record<string, WindowMeasure>, rows: ScoredRows | undefined): ScoreMeasures {
  const { vectors } = counts;
  const rankings = classes.map((_, index) => (rows === undefined ? vectorBins(counts, index) : vectorRows(rows, index)));
  const perClass = rankings.map((ranking) => areasOf(ranking));
  const calibrated = rows === undefined ? confidenceBins(counts) : confidenceRows(rows);
  const metrics = {
    ...meansOf(rankings, perClass),
    ...lossesOf({
      logLoss: vectors?.logLoss ?? noMoments,
      brier: vectors?.brier ?? noMoments,
      outside: vectors?.outside ?? 0,
      ranking: calibrated,
    }),
    ...ranks,
  };
  return { metrics, perClass, reliability: () => reliabilityOf(calibrated, vectors?.outside ?? 0) };
}

function reliabilityOf(ranking: Ranking | undefined, outside: number): ReliabilityBin[] | null {
  if (ranking === undefined || outside > 0) return null;
  const bins = massBins(ranking);
  return bins.length === 0 ? null : bins;
}

/** Groups of equally many rows. */
function massBins({ ranked, isPositive, bins, positives, negatives }: Ranking): ReliabilityBin[] {
  return bins === undefined ? equalMassBins(ranked, isPositive) : equalMassOfBins(bins, positives + negatives);
}

/** Rows, or bins that stand for so many rows each, in order of their scores. */
interface Ranking {
  readonly ranked: RankedScores;
  readonly isPositive: Uint8Array;
  /** Absent: each counts once. */
  readonly weights?: Float64Array;
  readonly positives: number;
  readonly negatives: number;
  /** What the area may lack by rows of both sides that share a bin. */
  readonly bound: number;
  /** Absent where the rows themselves are ranked. */
  readonly bins?: readonly Bin[];
}

interface Bin {
  readonly place: number;
  readonly positives: number;
  readonly negatives: number;
}

function binaryBins(counts: QualityCounts, positive: string): Ranking | undefined {
  const bins = new Map<string, BinSums>();
  for (const [label, { bins: own }] of Object.entries(counts.scores)) {
    const isPositive = classKey.parse(label) === positive;
    for (const bin in own) {
      const [n, sum] = own[bin] ?? [0, 0];
      let all = bins.get(bin);
      if (all === undefined) {
        all = { bin, n: 0, positives: 0, sum: 0 };
        bins.set(bin, all);
      }
      all.n += n;
      all.sum += sum;
      if (isPositive) all.positives += n;
    }
  }
  return rankBins([...bins.values()]);
}

function vectorBins(counts: QualityCounts, index: number): Ranking | undefined {
  const bins = counts.vectors?.columns[index];
  return bins === undefined ? undefined : rankBins(Object.entries(bins).map(([bin, [n, positives, sum]]) => ({ bin, n, positives, sum })));
}

function confidenceBins(counts: QualityCounts): Ranking | undefined {
  const bins = Object.entries(counts.labelled).filter(([bin]) => bin.startsWith('s'));
  return rankBins(bins.map(([bin, [n, positives, sum]]) => ({ bin, n, positives, sum })));
}

interface BinSums {
  readonly bin: string;
  n: number;
  positives: number;
  sum: number;
}

/** A chart has hundreds of points with hundreds of bins each: this is most of what it costs, hence the loops. */
function rankBins(given: readonly BinSums[]): Ranking | undefined {
  const placed: { readonly at: number; readonly bin: Bin }[] = [];
  for (const { bin, n, positives, sum } of given) {
    const at = n > 0 ? placeOfBin(bin) : undefined;
    // The mean of its scores stands for the bin: calibration sums are exact then.
    if (at !== undefined) placed.push({ at, bin: { place: sum / n, positives, negatives: n - positives } });
  }
  if (placed.length === 0) return undefined;
  placed.sort((a, b) => a.at - b.at);
  const scores = new Float64Array(2 * placed.length);
  const order = new Int32Array(2 * placed.length);
  const isPositive = new Uint8Array(2 * placed.length);
  const weights = new Float64Array(2 * placed.length);
  let [positives, negatives, shared] = [0, 0, 0];
  placed.forEach(({ bin }, index) => {
    const at = 2 * index;
    scores[at] = bin.place;
    scores[at + 1] = bin.place;
    // They are in order already.
    order[at] = at;
    order[at + 1] = at + 1;
    isPositive[at] = 1;
    weights[at] = bin.positives;
    weights[at + 1] = bin.negatives;
    positives += bin.positives;
    negatives += bin.negatives;
    shared += bin.positives * bin.negatives;
  });
  return {
    ranked: { scores, order },
    isPositive,
    weights,
    positives,
    negatives,
    bound: positives * negatives === 0 ? 0 : shared / 2 / (positives * negatives),
    bins: placed.map(({ bin }) => bin),
  };
}

function binaryRows({ rows }: ScoredRows, classes: readonly string[], positive: string): Ranking | undefined {
  const known = new Set(classes);
  const scored = rows.filter(({ label, score }) => label !== null && known.has(label) && score !== null && Number.isFinite(score));
  return rankRows(
    scored.map(({ score }) => score ?? 0),
    scored.map(({ label }) => label === positive),
  );
}

function vectorRows({ rows }: ScoredRows, index: number): Ranking | undefined {
  const scored = rows.filter(({ scores, truth }) => scores !== null && truth !== null && index < scores.length);
  return rankRows(
    scored.map(({ scores }) => scores?.[index] ?? 0),
    scored.map(({ truth }) => truth === index),
  );
}

function confidenceRows({ rows }: ScoredRows): Ranking | undefined {
  const scored = rows.filter(({ label, score }) => label !== null && score !== null && score >= 0 && score <= 1);
  return rankRows(
    scored.map(({ score }) => score ?? 0),
    scored.map(({ label, predicted }) => label === predicted),
  );
}

function rankRows(scores: readonly number[], isPositive: readonly boolean[]): Ranking | undefined {
  if (scores.length === 0) return undefined;
  const positives = isPositive.filter(Boolean).length;
  return {
    ranked: rankScores(Float64Array.from(scores)),
    isPositive: Uint8Array.from(isPositive, Number),
    positives,
    negatives: scores.length - positives,
    bound: 0,
  };
}

function areasOf(ranking: Ranking | undefined): { rocAuc: WindowMeasure; prAuc: WindowMeasure } {
  if (ranking === undefined) return { rocAuc: noMeasure(noScores), prAuc: noMeasure(noScores) };
  const { ranked, isPositive, weights, positives, negatives, bound } = ranking;
  const n = positives + negatives;
  const roc = rocAuc(ranked, isPositive, weights);
  const precision = averagePrecision(ranked, isPositive, weights);
  return {
    rocAuc: roc === undefined ? noMeasure(oneSided, n) : measureOf({ value: roc, interval: areaInterval(roc, ranking) }, n, bound),
    prAuc:
      precision === undefined ? noMeasure(oneSided, n) : measureOf({ value: precision, interval: precisionInterval(precision, positives) }, n, bound),
  };
}

function areaInterval(value: number, { ranked, isPositive, weights, positives, negatives }: Ranking): Interval | null {
  const variance = rocAucVariance(ranked, isPositive, weights);
  if (variance === undefined) return null;
  // Perfect order has no variance, and yet is not certain: as for a share of as many rows as the smaller side has.
  const least = Math.min(positives, negatives);
  if (variance === 0) return value === 0 || value === 1 ? wilsonInterval(value * least, least) : [value, value];
  return normalInterval(value, Math.sqrt(variance), [0, 1]);
}

/** Logit interval of average precision (K. Boyd, K. H. Eng and C. D. Page, 2013). */
function precisionInterval(value: number, positives: number): Interval {
  if (value <= 0 || value >= 1) return wilsonInterval(value >= 1 ? positives : 0, positives);
  const middle = Math.log(value / (1 - value));
  const spread = z95 / Math.sqrt(positives * value * (1 - value));
  const back = (logit: number) => 1 / (1 + Math.exp(-logit));
  return [back(middle - spread), back(middle + spread)];
}

/** Means over the classes; undefined as soon as one has no value: a mean over other classes each time would not be comparable. */
function meansOf(
  rankings: readonly (Ranking | undefined)[],
  perClass: readonly { rocAuc: WindowMeasure; prAuc: WindowMeasure }[],
): Record<string, WindowMeasure> {
  const weights = rankings.map((ranking) => ranking?.positives ?? 0);
  const n = rankings[0] === undefined ? 0 : rankings[0].positives + rankings[0].negatives;
  const mean = (pick: 'rocAuc' | 'prAuc', by?: readonly number[]): WindowMeasure => {
    const parts = perClass
      .map((one) => one[pick])
      .flatMap(({ value, interval, bound }) => (value === null ? [] : [{ value, interval: interval ?? ([0, 1] as const), bound }]));
    if (parts.length < perClass.length || parts.length === 0) return noMeasure(n === 0 ? noScores : oneSided, n);
    const total = by === undefined ? parts.length : by.reduce((sum, weight) => sum + weight, 0);
    const weighted = (of: (part: (typeof parts)[number]) => number) =>
      parts.reduce((sum, part, index) => sum + (by?.[index] ?? 1) * of(part), 0) / total;
    return measureOf(
      { value: weighted(({ value }) => value), interval: meanOfIntervals(parts, by) },
      n,
      weighted(({ bound }) => bound),
    );
  };
  return { rocAuc: mean('rocAuc'), rocAucWeighted: mean('rocAuc', weights), prAuc: mean('prAuc'), prAucWeighted: mean('prAuc', weights) };
}

interface Losses {
  readonly logLoss: Moments;
  readonly brier: Moments;
  readonly outside: number;
  readonly ranking: Ranking | undefined;
}

function lossesOf({ logLoss, brier, outside, ranking }: Losses): Record<string, WindowMeasure> {
  if (outside > 0)
    return Object.fromEntries(['logLoss', 'brier', 'ece', 'eceEqualWidth'].map((name) => [name, noMeasure(noProbabilities, logLoss.n + outside)]));
  const mean = (moments: Moments) =>
    moments.n === 0
      ? noMeasure(noScores)
      : measureOf(
          { value: moments.mean, interval: normalInterval(moments.mean, Math.sqrt(varianceOf(moments) / moments.n), [0, Infinity]) },
          moments.n,
        );
  return {
    logLoss: mean(logLoss),
    brier: mean(brier),
    ece: calibration(ranking, massBins),
    eceEqualWidth: calibration(ranking, (given) => equalWidthBins(given.ranked, given.isPositive, given.weights)),
  };
}

/** The interval takes the gap of each bin to be that of a share; a perfect model's is above 0 by chance alone, so it says little below 0.01. */
function calibration(ranking: Ranking | undefined, binsOf: (ranking: Ranking) => ReliabilityBin[]): WindowMeasure {
  if (ranking === undefined) return noMeasure(noScores);
  const n = ranking.positives + ranking.negatives;
  if (n < minCalibrated) return noMeasure(`calibration needs at least ${minCalibrated} rows with scores; there are ${Math.round(n)}`, n);
  const bins = binsOf(ranking);
  const value = calibrationError(bins);
  if (value === undefined) return noMeasure(noScores, n);
  return measureOf(
    { value, interval: normalInterval(value, gapError(bins, n), [0, 1]) },
    n,
    ranking.bins !== undefined && binsOf === massBins ? hundredth : 0,
  );
}

/** Where two groups of equally many rows part inside of a bin, each gets its share of the bin's rows: a score is off by a bin's width at most. */
const hundredth = 0.01;

function equalMassOfBins(bins: readonly Bin[], total: number): ReliabilityBin[] {
  const groups = Array.from({ length: calibrationBins }, () => ({ low: Infinity, high: -Infinity, n: 0, scores: 0, positives: 0 }));
  const room = total / calibrationBins;
  let group = 0;
  for (const { place, positives, negatives } of bins) {
    let left = positives + negatives;
    while (left > 0) {
      const own = groups[group];
      if (own === undefined) break;
      const isLast = group === calibrationBins - 1;
      const part = isLast ? left : Math.min(left, room - own.n);
      own.n += part;
      own.scores += part * place;
      own.positives += (part * positives) / (positives + negatives);
      own.low = Math.min(own.low, place);
      own.high = Math.max(own.high, place);
      left -= part;
      if (!isLast && own.n >= room - 1e-9) group += 1;
    }
  }
  return groups
    .filter(({ n }) => n > 0)
    .map(({ low, high, n, scores, positives }) => ({ low, high, n, meanScore: scores / n, observedShare: positives / n }));
}

function gapError(bins: readonly ReliabilityBin[], total: number): number {
  const variance = bins.reduce((sum, { n, observedShare }) => sum + (n / total) ** 2 * ((observedShare * (1 - observedShare)) / n), 0);
  return Math.sqrt(variance);
}

/** Share of rows whose true class is among the highest scores. */
function measureRanks(counts: QualityCounts, { classes }: Classes): Record<string, WindowMeasure> {
  const n = Object.values(counts.ranks).reduce((sum, count) => sum + count, 0);
  const top = (most: number): WindowMeasure => {
    if (classes.length <= most) return noMeasure('the version scores too few classes', n);
    if (n === 0) return noMeasure(noScores);
    let found = 0;
    for (const [rank, count] of Object.entries(counts.ranks)) if (rank !== '-' && Number(rank) < most) found += count;
    return measureOf({ value: found / n, interval: wilsonInterval(found, n) }, n);
  };
  return { top3Accuracy: top(3), top5Accuracy: top(5) };
}
