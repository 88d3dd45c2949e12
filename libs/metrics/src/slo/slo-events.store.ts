import type { Task } from '@slipway/contracts';
import { ServingSeriesStore, type ServingTotal } from '../series/serving-series.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { burnWindows } from './burn-windows.js';
import { countHours, countRequests, type QualityHour } from './count-events.js';
import type { EventCounts, Goal, Objective } from './objective.js';
import { QualityHourStore } from './quality-hour.store.js';

/** How long the sums of a span may be reused: they hardly change within it. */
const freshForMs = (seconds: number) => (seconds >= 86_400 ? 300_000 : seconds > 3_600 ? 60_000 : 0);
/** Sums of spans that are kept. */
const keptMax = 20_000;
const dayMs = 86_400_000;

/** Where the events of an objective come from. */
export interface EventOwner {
  readonly deploymentId: string;
  /** Of the version that serves. */
  readonly task: Task | undefined;
}

/** Events of objectives: requests from the serving windows and their sums by the hour, hours of labelled predictions from what is counted of them. */
export class SloEventStore {
  private readonly serving: ServingSeriesStore;
  private readonly quality: QualityHourStore;
  private readonly kept = new Map<string, { readonly atMs: number; readonly total: ServingTotal | undefined }>();

  constructor(db: Queryable) {
    this.serving = new ServingSeriesStore(db);
    this.quality = new QualityHourStore(db);
  }

  /**
   * Counts of every span that judging an objective asks for. Hours of quality are counted back from the end of the newest one whose labels have
   * come: labels are late.
   */
  async counts(owner: EventOwner, objective: Objective, nowMs: number): Promise<(seconds: number) => EventCounts> {
    const { goal } = objective;
    if (goal.kind === 'quality') {
      const hours = await this.hours(owner, goal, { fromMs: nowMs - 2 * objective.periodDays * dayMs, toMs: nowMs });
      return (seconds) => countHours(goal, lastHours(hours, seconds));
    }
    const spans = spansOf(objective);
    const totals = new Map(await Promise.all(spans.map(async (seconds) => [seconds, await this.total(owner.deploymentId, seconds, nowMs)] as const)));
    return (seconds) => countRequests(goal, totals.get(seconds));
  }

  /** Events per hour of a span, by the beginning of the hour; hours without any are left out. */
  async perHour(owner: EventOwner, goal: Goal, span: { readonly fromMs: number; readonly toMs: number }): Promise<ReadonlyMap<number, EventCounts>> {
    if (goal.kind === 'quality') {
      const hours = await this.hours(owner, goal, span);
      return new Map(hours.map((hour) => [hour.endMs - 3_600_000, countHours(goal, [hour])]));
    }
    const steps = await this.serving.steps({ deploymentId: owner.deploymentId, frame: { ...span, stepSeconds: 3_600 } });
    const perHour = new Map<number, EventCounts>();
    for (const step of steps) {
      const before = perHour.get(step.atMs) ?? { bad: 0, valid: 0 };
      const own = countRequests(goal, step);
      perHour.set(step.atMs, { bad: before.bad + own.bad, valid: before.valid + own.valid });
    }
    return perHour;
  }

  private hours(
    owner: EventOwner,
    goal: Extract<Goal, { kind: 'quality' }>,
    span: { readonly fromMs: number; readonly toMs: number },
  ): Promise<QualityHour[]> {
    return owner.task === undefined ? Promise.resolve([]) : this.quality.hours({ ...owner, task: owner.task, metric: goal.metric, ...span });
  }

  private async total(deploymentId: string, seconds: number, nowMs: number): Promise<ServingTotal | undefined> {
    const key = `${deploymentId}/${seconds}`;
    const known = this.kept.get(key);
    if (known !== undefined && nowMs >= known.atMs && nowMs - known.atMs < freshForMs(seconds)) return known.total;
    const total = await this.serving.total({ deploymentId, fromMs: nowMs - seconds * 1000, toMs: nowMs });
    this.kept.delete(key);
    if (freshForMs(seconds) > 0) this.kept.set(key, { atMs: nowMs, total });
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptMax && oldest !== undefined) this.kept.delete(oldest);
    return total;
  }
}

/** Every span that `judgeSlo` asks for. */
function spansOf(objective: Objective): number[] {
  const pairs = burnWindows(objective.periodDays).flatMap(({ longSeconds, shortSeconds }) => [longSeconds, shortSeconds]);
  return [...new Set([...pairs, 21_600, objective.periodDays * 86_400])];
}

/** The hours of a span that ends with the newest one that could be told; a span shorter than an hour is that hour. */
function lastHours(hours: readonly QualityHour[], seconds: number): QualityHour[] {
  const endMs = Math.max(...hours.filter(({ value }) => value !== null).map((hour) => hour.endMs));
  const spanMs = Math.max(3_600, seconds) * 1000;
  return hours.filter((hour) => hour.endMs <= endMs && hour.endMs > endMs - spanMs);
}
