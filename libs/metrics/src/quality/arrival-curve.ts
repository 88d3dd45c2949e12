import type { LabelArrivals, Maturity } from '@slipway/contracts';
import { arrivalAges } from './arrival-ages.js';
import type { ArrivalWindow } from './quality-window.store.js';

/** How labels come in, learned from the windows of the last months. */
export interface ArrivalCurve {
  /** Share of the predictions that have a label by each of `arrivalAges`; undefined where no window is old enough to tell. */
  readonly coverage: readonly (number | undefined)[];
  /** Share of the predictions that get a label in the end; undefined while nobody can tell. */
  readonly usualCoverage: number | undefined;
  /** The age (ms) from which at least 95 % of the labels that come have come; undefined while nobody can tell. */
  readonly matureAfterMs: number | undefined;
}

/** Predictions that an age needs to be told about. */
const leastPredicted = 50;
/** Windows so many times older than the age of maturity must have been seen, so that what looks like the end is one. */
const seenBeyond = 3;
/** Share of the labels that usually come by which a window is mature. */
export const matureShare = 0.95;

/**
 * Adds up, age by age, which share of the predictions that are old enough got a label of that age, so that young windows tell of early labels and only old
 * ones of late labels. Whatever is not known of young deployments stays unknown instead of being taken for nothing.
 */
export function learnArrivals(windows: readonly ArrivalWindow[], nowMs: number): ArrivalCurve {
  const coverage: (number | undefined)[] = [];
  let sum = 0;
  let oldest: number | undefined;
  for (const [place, age] of arrivalAges.entries()) {
    const old = windows.filter(({ endMs }) => nowMs - endMs >= age);
    const predicted = old.reduce((total, window) => total + window.predicted, 0);
    if (predicted < leastPredicted) break;
    sum += old.reduce((total, window) => total + (window.arrivals[place] ?? 0), 0) / predicted;
    coverage[place] = Math.min(1, sum);
    oldest = place;
  }
  const total = oldest === undefined ? undefined : coverage[oldest];
  const unknown = { coverage, usualCoverage: undefined, matureAfterMs: undefined };
  if (oldest === undefined || total === undefined || total === 0) return unknown;
  const mature = coverage.findIndex((share) => share !== undefined && share >= matureShare * total);
  const matureAfterMs = arrivalAges[mature];
  const isSettled = matureAfterMs !== undefined && (arrivalAges[oldest] ?? 0) >= seenBeyond * matureAfterMs;
  return isSettled ? { coverage, usualCoverage: total, matureAfterMs } : unknown;
}

/** The share of predictions that windows of an age usually have labels for, between the ages of the curve in a straight line. */
export function coverageAt({ coverage, usualCoverage }: ArrivalCurve, ageMs: number): number | undefined {
  if (usualCoverage === undefined) return undefined;
  let [youngerMs, younger] = [0, 0];
  for (const [place, age] of arrivalAges.entries()) {
    const share = coverage[place];
    if (share === undefined) return usualCoverage;
    if (ageMs <= age) return younger + ((share - younger) * (ageMs - youngerMs)) / (age - youngerMs);
    [youngerMs, younger] = [age, share];
  }
  return usualCoverage;
}

/**
 * Whether enough labels of a window have come: 95 % of those that usually come in the end, or, at an age by which nearly all have come, 95 % of what windows
 * of that age usually have. A hair of chance is allowed for, so that small windows are not held back by single rows.
 */
export function maturityOf(
  { predicted, labelled, ageMs }: { readonly predicted: number; readonly labelled: number; readonly ageMs: number },
  curve: ArrivalCurve,
): Maturity {
  if (predicted === 0) return { state: 'none', coverage: null, expected: null };
  const coverage = labelled / predicted;
  const expected = coverageAt(curve, ageMs) ?? null;
  if (labelled === 0) return { state: 'none', coverage, expected };
  const { usualCoverage, matureAfterMs } = curve;
  if (usualCoverage === undefined || matureAfterMs === undefined || expected === null)
    return { state: coverage >= matureShare ? 'mature' : 'provisional', coverage, expected };
  const chance = 2 * Math.sqrt((usualCoverage * (1 - usualCoverage)) / predicted);
  const isComplete = coverage >= matureShare * usualCoverage - chance;
  const isOld = ageMs >= matureAfterMs && coverage >= matureShare * expected - chance;
  return { state: isComplete || isOld ? 'mature' : 'provisional', coverage, expected };
}

/** For an answer. */
export function arrivalsView(curve: ArrivalCurve): LabelArrivals {
  const total = curve.usualCoverage;
  const known = curve.coverage.flatMap((share, place) => (share === undefined ? [] : [{ ageSeconds: (arrivalAges[place] ?? 0) / 1000, share }]));
  return {
    usualCoverage: total ?? null,
    matureAfterSeconds: curve.matureAfterMs === undefined ? null : curve.matureAfterMs / 1000,
    curve: total === undefined ? [] : known.map(({ ageSeconds, share }) => ({ ageSeconds, share: share / total })),
  };
}
