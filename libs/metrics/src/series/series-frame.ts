import { SlipwayError } from '@slipway/contracts';

/** The window of a chart, aligned to its steps. */
export interface SeriesFrame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepSeconds: number;
}

/** Most points that one series has. */
export const maxPoints = 200;
const defaultPoints = 120;
const defaultRangeMs = 3_600_000;
const maxRangeMs = 800 * 86_400_000;
/** Windows last ten seconds, so a step is a multiple of that; they are summed by the hour, so a longer step is one of hours. */
const baseSeconds = 10;
const hourSeconds = 3_600;
/** After a quarter comes the hour: from there on the sums by the hour are read, and a month costs what a day does. */
const niceSeconds = [10, 20, 30, 60, 120, 300, 600, 900, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400];

/**
 * Works out the window of a chart: the last hour in 120 steps when nothing is given. A step that would make more than `maxPoints` points is widened.
 * @throws REQUEST_INVALID when the window ends before it begins or is too long.
 */
export function seriesFrame(query: { from?: string | undefined; to?: string | undefined; step?: number | undefined }, nowMs: number): SeriesFrame {
  const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
  const fromMs = query.from === undefined ? toMs - defaultRangeMs : Date.parse(query.from);
  if (!(fromMs < toMs)) throw new SlipwayError('REQUEST_INVALID', `Expected "from" before "to", but got ${iso(fromMs)} and ${iso(toMs)}.`);
  if (toMs - fromMs > maxRangeMs) throw new SlipwayError('REQUEST_INVALID', 'Expected a window of at most 800 days.');
  const rangeSeconds = (toMs - fromMs) / 1000;
  // One step less than the bound: aligning both ends can add one.
  const leastSeconds = rangeSeconds / (maxPoints - 1);
  const wanted = query.step === undefined ? niceStep(rangeSeconds / defaultPoints) : multipleOfBase(query.step);
  const stepSeconds = wanted >= leastSeconds ? wanted : niceStep(leastSeconds);
  const stepMs = stepSeconds * 1000;
  return { fromMs: Math.floor(fromMs / stepMs) * stepMs, toMs, stepSeconds };
}

/** Start times of the steps that have begun by `nowMs`. */
export function stepsOf(frame: SeriesFrame, nowMs: number): number[] {
  const end = Math.min(frame.toMs, nowMs);
  const steps: number[] = [];
  for (let at = frame.fromMs; at < end; at += frame.stepSeconds * 1000) steps.push(at);
  return steps;
}

/** How many seconds of a step have passed: less than a whole step for the one that is running. */
export function coveredSeconds(frame: SeriesFrame, atMs: number, nowMs: number): number {
  const end = Math.min(atMs + frame.stepSeconds * 1000, nowMs);
  return Math.max(1, (end - atMs) / 1000);
}

/** ISO 8601 of epoch milliseconds. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function niceStep(atLeastSeconds: number): number {
  return niceSeconds.find((seconds) => seconds >= atLeastSeconds) ?? Math.ceil(atLeastSeconds / 86_400) * 86_400;
}

function multipleOfBase(seconds: number): number {
  const base = seconds > hourSeconds ? hourSeconds : baseSeconds;
  return Math.max(base, Math.ceil(seconds / base) * base);
}
