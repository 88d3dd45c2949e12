import { SlipwayError, type Task } from '@slipway/contracts';
import { latencyEdges } from '../windows/latency-buckets.js';
import { burnWindows, leastTarget } from './burn-windows.js';
import type { Objective } from './objective.js';

const regressionMetrics: readonly string[] = ['mae', 'rmse'];

/**
 * Refuses an objective that could never fire, or never be measured.
 * @param task of the version that the deployment serves
 * @throws SLO_REFUSED
 */
export function refuseObjective({ goal, target, periodDays }: Pick<Objective, 'goal' | 'target' | 'periodDays'>, task: Task | undefined): void {
  const least = leastTarget(periodDays);
  if (target <= least) {
    const factor = Math.max(...burnWindows(periodDays).map((window) => window.factor));
    throw refused(
      `Expected a target above ${percent(least)} for a period of ${periodDays} days, but got ${percent(target)}: its page fires at ${round(factor)} times ` +
        `the allowed error ratio, which would be ${percent(factor * (1 - target))} errors, so it could never fire.`,
    );
  }
  if (goal.kind === 'latency') refuseLatency(goal.thresholdMs);
  if (goal.kind === 'quality') refuseQuality(goal.metric, goal.threshold, task);
}

function refuseLatency(thresholdMs: number): void {
  const [least, most] = [(latencyEdges[0] ?? 0) * 1000, (latencyEdges.at(-1) ?? 0) * 1000];
  if (thresholdMs > most)
    throw refused(`Expected a latency of at most ${most} ms, but got ${thresholdMs} ms: longer times are not told apart, so it could never fire.`);
  if (thresholdMs < least) throw refused(`Expected a latency of at least ${least} ms, but got ${thresholdMs} ms: shorter times are not told apart.`);
}

function refuseQuality(metric: string, threshold: number, task: Task | undefined): void {
  if (task === undefined)
    throw refused('The deployed version has no task, so its quality cannot be measured. Set it with PATCH /v1/models/{model}/versions/{version}.');
  if (task.kind === 'other') throw refused('The task of the deployed version is "other": there is no answer that a label could be compared with.');
  const isRegression = task.kind === 'regression';
  if (isRegression !== regressionMetrics.includes(metric))
    throw refused(`Expected ${isRegression ? 'mae or rmse' : 'accuracy, precision, recall or f1'} for a ${task.kind} task, but got "${metric}".`);
  if (!isRegression && !(threshold > 0 && threshold <= 1))
    throw refused(`Expected a threshold above 0 and at most 1 for "${metric}", but got ${threshold}: it could never fire.`);
}

function refused(message: string): SlipwayError {
  return new SlipwayError('SLO_REFUSED', message);
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
