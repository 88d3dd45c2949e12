import type { Judgement } from '@slipway/contracts';
import { binomialTail, shareLowerBound, shareUpperBound } from '../drift/binomial-bounds.js';
import { upperGamma } from '../drift/gamma-tail.js';

/** Failures of one kind among the requests that count. */
export interface FailureCount {
  readonly failed: number;
  readonly of: number;
}

/** Below this a share of failures says nothing: the window grows until it has as many, or it is insufficient. */
export const leastRequests = 20;
/** Fewer failures than this are nobody's alarm, however rare they were before. */
export const leastFailures = 5;
/** History that counts as such: requests, and hours, a day of them, so that rare bursts are in it. */
export const leastHistory = 500;
const leastHistoryHours = 24;
/** A share that is no trouble by itself, and one that is, whatever was before. */
const harmlessRatio = 0.01;
const harmfulRatio = 0.05;
/** How many times what was usual is a change worth waking somebody for. */
const times = 2;
/** Hours from which the scatter of failures is known. */
const leastHours = 6;
/** 95 %, either side. */
const side = 0.025;

/**
 * How much more failures scatter than independent ones would, from hour to hour; 1 for those. Failures come in bursts, and a bound that
 * takes each for independent would alarm at every one of them. Pearson's χ² over its degrees of freedom, as in quasi-binomial models
 * (P. McCullagh and J. A. Nelder, Generalized Linear Models, 1989, 4.5).
 */
export function scatterOf(hours: readonly FailureCount[]): number {
  const [failed, of] = [sum(hours, (hour) => hour.failed), sum(hours, (hour) => hour.of)];
  const used = hours.filter((hour) => hour.of > 0);
  if (failed === 0 || failed === of || used.length < leastHours) return 1;
  const share = failed / of;
  const squares = sum(used, (hour) => (hour.failed - hour.of * share) ** 2 / (hour.of * share * (1 - share)));
  return Math.max(1, squares / (used.length - 1));
}

/**
 * Judges a share of failures against the deployment's own: an alarm needs both that luck hardly explains it (exact, given how many failed
 * before and now together) and that it is large: twice what was usual and more than 1 %. Without history, more than 5 %.
 * @param level chance of a false alarm in one window
 */
export function judgeFailureShare(what: string, window: FailureCount, hours: readonly FailureCount[], level: number): Judgement {
  const history = { failed: sum(hours, (hour) => hour.failed), of: sum(hours, (hour) => hour.of) };
  const isKnown = history.of >= leastHistory && hours.length >= leastHistoryHours;
  const usual = isKnown ? history.failed / history.of : undefined;
  const threshold = usual === undefined ? harmfulRatio : Math.min(1, Math.max(harmlessRatio, times * usual));
  const value = window.of === 0 ? null : window.failed / window.of;
  const interval: Judgement['interval'] =
    window.of === 0 ? null : [shareLowerBound(window.failed, window.of, side), shareUpperBound(window.failed, window.of, side)];
  const base = { value, interval, n: window.of, threshold };
  if (value === null || window.of < leastRequests) {
    return { ...base, verdict: 'insufficient', reason: `${what}: ${window.of} requests are too few to judge; ${leastRequests} are needed` };
  }
  const chance = isKnown ? chanceAfter(window, history, scatterOf(hours)) : binomialTail(window.failed, window.of, harmfulRatio);
  const isAlarm = window.failed >= leastFailures && value > threshold && chance < level;
  return { ...base, verdict: isAlarm ? 'alarm' : 'ok', reason: sentence(what, window, usual, threshold, isAlarm) };
}

/**
 * Chance that so many of the failures of both spans fall into the later one when their rates are the same (exact conditional test of two
 * Poisson rates; J. Przyborowski and H. Wilenski, Biometrika 1940). Counts are thinned by the scatter first.
 */
function chanceAfter(window: FailureCount, history: FailureCount, scatter: number): number {
  const [now, before] = [Math.floor(window.failed / scatter), Math.ceil(history.failed / scatter)];
  return binomialTail(now, now + before, window.of / (window.of + history.of));
}

function sentence(what: string, window: FailureCount, usual: number | undefined, threshold: number, isAlarm: boolean): string {
  const seen = `${window.failed} of ${window.of} requests (${percent(window.failed / window.of)})`;
  const against = usual === undefined ? 'there is no history to compare with yet' : `${percent(usual)} in the days before`;
  return isAlarm
    ? `${what} in ${seen}, beyond luck; limit ${percent(threshold)}, ${against}`
    : `${what} in ${seen}; limit ${percent(threshold)}, ${against}`;
}

/** Ends of instances of one kind in a stretch of time. */
export interface InstanceEnds {
  readonly count: number;
  readonly minutes: number;
  /** What is known of the last one. */
  readonly lastMessage: string | undefined;
}

/** Crashes in a stretch that make a loop of them. */
export const loopCrashes = 3;

/** One kill for want of memory, or one model that does not load, is never luck; one crash may be a single bad request, three are a loop. */
export function judgeInstanceEnds(what: string, ends: InstanceEnds, threshold: number): Judgement {
  const { count, minutes, lastMessage } = ends;
  const isAlarm = count >= threshold;
  const times = count === 1 ? 'once' : `${count} times`;
  const last = lastMessage === undefined ? '' : `; the last time: ${lastMessage}`;
  return {
    value: count,
    interval: poissonInterval(count),
    n: count,
    threshold,
    verdict: isAlarm ? 'alarm' : 'ok',
    reason: count === 0 ? `${what}: not in the last ${minutes} minutes` : `${what} ${times} in ${minutes} minutes${last}`,
  };
}

/** 95 % interval of the mean of a Poisson count, exact (F. Garwood, 1936). */
export function poissonInterval(count: number): [number, number] {
  return [count === 0 ? 0 : meanAt((mean) => 1 - upperGamma(count, mean), count), meanAt((mean) => 1 - upperGamma(count + 1, mean), count, true)];
}

/** The mean at which a tail that rises with it is `side`, or 1 − `side`, found by halving. */
function meanAt(tail: (mean: number) => number, count: number, isUpper = false): number {
  let [low, high] = [0, count + 10 * Math.sqrt(count + 1) + 10];
  const wanted = isUpper ? 1 - side : side;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (tail(middle) < wanted) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(2))} %`;
}

function sum<T>(items: readonly T[], pick: (item: T) => number): number {
  return items.reduce((total, item) => total + pick(item), 0);
}
