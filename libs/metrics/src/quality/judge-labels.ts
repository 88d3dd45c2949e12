import type { Judgement } from '@slipway/contracts';
import { type ArrivalCurve, coverageAt } from './arrival-curve.js';
import type { ArrivalWindow } from './quality-window.store.js';

const minute = 60_000;
const hour = 60 * minute;

/** Labels that must be missing at the least: of fewer nobody can tell. */
const leastMissing = 20;
/** Labels have stopped when nothing has come for so many times the longest pause of before. */
const pauses = 2;
const shortestPauseMs = 30 * minute;
/** Coverage below this share of the usual one is far below it. */
const farBelow = 0.5;

/** Five minutes in which labels came. */
export interface ArrivalTime {
  readonly startMs: number;
  readonly labels: number;
}

/**
 * Whether labels have stopped: none for twice the longest pause there ever was, while by the learned curve at least 20 should have come. Labels that come
 * once a day are not missed at noon. Insufficient while nobody can know when labels come.
 */
export function judgeArrival(
  given: { readonly times: readonly ArrivalTime[]; readonly windows: readonly ArrivalWindow[]; readonly curve: ArrivalCurve },
  nowMs: number,
): Judgement {
  const { times, windows, curve } = given;
  const last = times.at(-1);
  const none = { value: null, interval: null, n: 0, threshold: null, verdict: 'insufficient' as const };
  if (last === undefined) return { ...none, reason: 'No label has ever come.' };
  const n = times.reduce((sum, { labels }) => sum + labels, 0);
  const lastMs = last.startMs + 5 * minute;
  const pauseMs = Math.max(0, nowMs - lastMs);
  const gaps = times.slice(1).map(({ startMs }, index) => startMs - (times[index]?.startMs ?? startMs));
  const longestMs = Math.max(shortestPauseMs, ...gaps);
  const limitMs = pauses * longestMs;
  if (curve.usualCoverage === undefined || times.length < 5)
    return { ...none, value: pauseMs / 1000, n, reason: `The last label came ${ago(pauseMs)} ago; how labels usually come is not known yet.` };
  const expected = expectedSince(windows, curve, { lastMs, nowMs });
  const hasStopped = pauseMs > limitMs && expected >= leastMissing;
  const seen = `The last label came ${ago(pauseMs)} ago; the longest pause before was ${ago(longestMs)}, and since then about ${Math.round(expected)} should have come`;
  return {
    value: pauseMs / 1000,
    interval: null,
    n,
    threshold: limitMs / 1000,
    verdict: hasStopped ? 'alarm' : 'ok',
    reason: hasStopped ? `Labels have stopped. ${seen}.` : `${seen}; a pause of ${ago(limitMs)} would be one too long.`,
  };
}

/**
 * Whether far fewer predictions get a label than usual: of windows that are old enough for nearly all labels to have come, the last day of them against those
 * before.
 */
export function judgeCoverage(windows: readonly ArrivalWindow[], curve: ArrivalCurve, nowMs: number): Judgement {
  const none = { value: null, interval: null, n: 0, threshold: null, verdict: 'insufficient' as const };
  const { matureAfterMs, usualCoverage } = curve;
  if (matureAfterMs === undefined || usualCoverage === undefined)
    return { ...none, reason: 'How many predictions usually get a label is not known yet.' };
  const spanMs = Math.max(24 * hour, matureAfterMs / 2);
  const recent = windows.filter(({ endMs }) => endMs <= nowMs - matureAfterMs && endMs > nowMs - matureAfterMs - spanMs);
  const before = windows.filter(({ endMs }) => endMs <= nowMs - matureAfterMs - spanMs);
  const [now, then] = [totals(recent), totals(before)];
  if (then.predicted < 100 || now.predicted === 0)
    return { ...none, n: now.predicted, reason: 'There are too few predictions from before to compare with.' };
  const [share, usual] = [now.labelled / now.predicted, then.labelled / then.predicted];
  const limit = farBelow * usual;
  const missing = usual * now.predicted - now.labelled;
  const isFar = share < limit && missing >= leastMissing;
  const seen = `${percent(share)} of ${now.predicted} predictions have a label, usually ${percent(usual)}`;
  const verdict = isFar ? 'alarm' : 'ok';
  return {
    value: share,
    interval: null,
    n: now.predicted,
    threshold: limit,
    verdict,
    reason: `${isFar ? 'Labels are missing. ' : ''}${seen}; limit ${percent(limit)}.`,
  };
}

/** Labels that predictions should have got since a moment by the learned curve. */
function expectedSince(windows: readonly ArrivalWindow[], curve: ArrivalCurve, { lastMs, nowMs }: { lastMs: number; nowMs: number }): number {
  return windows.reduce((sum, { endMs, predicted }) => {
    const now = coverageAt(curve, Math.max(0, nowMs - endMs)) ?? 0;
    const then = endMs > lastMs ? 0 : (coverageAt(curve, lastMs - endMs) ?? 0);
    return sum + predicted * Math.max(0, now - then);
  }, 0);
}

function totals(windows: readonly ArrivalWindow[]): { predicted: number; labelled: number } {
  let [predicted, labelled] = [0, 0];
  for (const window of windows) {
    predicted += window.predicted;
    labelled += window.arrivals.reduce((sum, count) => sum + count, 0);
  }
  return { predicted, labelled };
}

function ago(ms: number): string {
  if (ms < 2 * hour) return `${Math.round(ms / minute)} min`;
  return ms < 48 * hour ? `${Number((ms / hour).toPrecision(2))} h` : `${Number((ms / hour / 24).toPrecision(2))} days`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
