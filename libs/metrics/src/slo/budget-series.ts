import type { SloPoint } from '@slipway/contracts';
import { iso, type SeriesFrame, stepsOf } from '../series/series-frame.js';
import type { EventCounts, Objective } from './objective.js';

const hourMs = 3_600_000;

/** The frame of a chart of a budget: steps of whole hours. */
export function budgetFrame(frame: SeriesFrame): SeriesFrame {
  const stepSeconds = Math.max(1, Math.ceil(frame.stepSeconds / 3_600)) * 3_600;
  const stepMs = stepSeconds * 1000;
  return { fromMs: Math.floor(frame.fromMs / stepMs) * stepMs, toMs: frame.toMs, stepSeconds };
}

/**
 * How a budget was spent: per step its own events, and what was left of the budget of the period that ends with the step.
 * @param perHour events of the frame and of the period before it, by the beginning of the hour
 */
export function budgetPoints(objective: Objective, frame: SeriesFrame, perHour: ReadonlyMap<number, EventCounts>, nowMs: number): SloPoint[] {
  const sums = runningSums(perHour);
  const periodMs = objective.periodDays * 24 * hourMs;
  return stepsOf(frame, nowMs).map((atMs) => {
    const endMs = atMs + frame.stepSeconds * 1000;
    const own = between(sums, atMs, endMs);
    const period = between(sums, endMs - periodMs, endMs);
    return {
      at: iso(atMs),
      ...own,
      errorRatio: own.valid > 0 ? own.bad / own.valid : null,
      budgetRemaining: period.valid > 0 ? 1 - period.bad / period.valid / (1 - objective.target) : null,
    };
  });
}

interface RunningSum {
  readonly atMs: number;
  /** Of all hours before and of this one. */
  readonly bad: number;
  readonly valid: number;
}

function runningSums(perHour: ReadonlyMap<number, EventCounts>): RunningSum[] {
  let [bad, valid] = [0, 0];
  return [...perHour]
    .sort(([a], [b]) => a - b)
    .map(([atMs, counts]) => {
      bad += counts.bad;
      valid += counts.valid;
      return { atMs, bad, valid };
    });
}

/** Events of the hours that begin in [fromMs, toMs). */
function between(sums: readonly RunningSum[], fromMs: number, toMs: number): { bad: number; valid: number } {
  const [before, until] = [sumBefore(sums, fromMs), sumBefore(sums, toMs)];
  return { bad: until.bad - before.bad, valid: until.valid - before.valid };
}

function sumBefore(sums: readonly RunningSum[], atMs: number): { bad: number; valid: number } {
  let [low, high] = [0, sums.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sums[middle]?.atMs ?? Number.POSITIVE_INFINITY) < atMs) low = middle + 1;
    else high = middle;
  }
  return sums[low - 1] ?? { bad: 0, valid: 0 };
}
