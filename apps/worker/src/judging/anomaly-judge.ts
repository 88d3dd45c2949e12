import { type AnomalySeriesName, anomalySeries } from '@slipway/contracts';
import {
  type AnomalyInputStore,
  type AnomalyPointStore,
  anomalyWindowMs,
  type Judge,
  type JudgedWindow,
  type JudgeStateStore,
  type MeasuredWindow,
  type NewAnomalyPoint,
  SeriesWatch,
  SeriesWatchState,
  type WatchedDeployment,
  type WatchedWindow,
  type WindowValue,
  watchedSeries,
} from '@slipway/metrics';
import { z } from 'zod';

/** How long after its end a window is judged: its last sums are written by then. */
const settleMs = 60_000;
/** History that a deployment is first learnt from. */
const learnMs = 14 * 86_400_000;
/** Windows of one look; what is left is for the next. */
const windowsPerLook = 288;
/** After a change of what serves, other levels are right. */
const relearnMs = 3_600_000;
/** So recent a window is known to have been empty, even if nothing tells that instances were there. */
const liveMs = 900_000;
/** A verdict that stays the same is written this often. */
const repeatMs = 3_600_000;

const State = z.object({
  untilMs: z.number(),
  series: z.partialRecord(z.enum(anomalySeries), z.object({ watch: SeriesWatchState, verdict: z.enum(['ok', 'alarm', 'insufficient']) })),
});
type State = z.infer<typeof State>;

interface Stores {
  readonly states: JudgeStateStore;
  readonly inputs: AnomalyInputStore;
  readonly points: AnomalyPointStore;
}

/** Watches the series of a deployment for what is rare, large and lasts, in windows of five minutes. */
export class AnomalyJudge implements Judge {
  readonly kind = 'anomaly';
  readonly everyMs = 20_000;
  /** When the next window of a deployment will have ended; saves reading its state until then. */
  private readonly dueAtMs = new Map<string, number>();

  constructor(private readonly stores: Stores) {}

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const { deploymentId } = deployment;
    if (nowMs < (this.dueAtMs.get(deploymentId) ?? 0)) return [];
    const endedMs = Math.floor((nowMs - settleMs) / anomalyWindowMs) * anomalyWindowMs;
    const before = await this.stores.states.read(deploymentId, this.kind, 'series', State);
    const fromMs = Math.max(before?.untilMs ?? 0, endedMs - learnMs);
    const toMs = Math.min(endedMs, fromMs + windowsPerLook * anomalyWindowMs);
    if (toMs === endedMs) this.dueAtMs.set(deploymentId, endedMs + anomalyWindowMs + settleMs);
    if (toMs <= fromMs) return [];
    const task = deployment.versions[0]?.task;
    const measured = await this.stores.inputs.windows({ deploymentId, task, fromMs, toMs });
    const look = new Look(deployment, before, nowMs);
    for (const window of measured) look.take(window);
    await this.stores.points.write(deploymentId, look.points);
    await this.stores.states.write(deploymentId, this.kind, 'series', look.toState(toMs));
    return look.judged;
  }

  forget({ deploymentId }: WatchedDeployment): void {
    this.dueAtMs.delete(deploymentId);
  }
}

/** One look at a span of windows. */
class Look {
  readonly points: NewAnomalyPoint[] = [];
  readonly judged: JudgedWindow[] = [];
  private readonly watches = new Map<AnomalySeriesName, { readonly watch: SeriesWatch; verdict: JudgedWindow['verdict'] }>();

  constructor(
    private readonly deployment: WatchedDeployment,
    state: State | undefined,
    private readonly nowMs: number,
  ) {
    for (const series of watchedSeries) {
      const known = state?.series[series.name];
      if (known !== undefined) this.watches.set(series.name, { watch: new SeriesWatch(series, known.watch), verdict: known.verdict });
    }
  }

  take(window: MeasuredWindow): void {
    for (const series of watchedSeries) {
      const seen = this.seen(window, series.name);
      // A series begins with its first value.
      if (seen === undefined && !this.watches.has(series.name)) continue;
      const own = this.watches.get(series.name) ?? { watch: new SeriesWatch(series), verdict: 'insufficient' };
      this.watches.set(series.name, own);
      const told = own.watch.observe(window.atMs, seen, this.isRelearning(window.atMs));
      if (told.point !== undefined) this.points.push({ ...told.point, atMs: window.atMs, series: series.name });
      this.keep(series.name, window.atMs, told, own.verdict);
      own.verdict = told.judgement.verdict;
    }
  }

  toState(untilMs: number): State {
    const series: State['series'] = {};
    for (const [name, { watch, verdict }] of this.watches) series[name] = { watch: watch.toState(), verdict };
    return { untilMs, series };
  }

  /** Nothing came is a zero where it is known that something could have come; else it is a gap. */
  private seen(window: MeasuredWindow, name: AnomalySeriesName): WindowValue | undefined {
    const { deployment } = this;
    const value = window.values[name];
    if (value !== undefined || (name !== 'traffic' && name !== 'labels') || deployment.isSuspended || deployment.replicas === 0) return value;
    const isKnown = window.isAlive || window.atMs + anomalyWindowMs > this.nowMs - liveMs;
    return isKnown && this.watches.has(name) ? { value: 0, n: 0 } : undefined;
  }

  private isRelearning(atMs: number): boolean {
    const { changedAtMs } = this.deployment;
    return atMs + anomalyWindowMs > changedAtMs && atMs < changedAtMs + relearnMs;
  }

  /** Keeps alarms, changes of the verdict, and one window of each hour. */
  private keep(name: AnomalySeriesName, atMs: number, { judgement, point }: WatchedWindow, verdictBefore: JudgedWindow['verdict']): void {
    const toMs = atMs + anomalyWindowMs;
    if (judgement.verdict !== 'alarm' && judgement.verdict === verdictBefore && toMs % repeatMs !== 0) return;
    const evidence =
      point === undefined ? {} : { expected: point.expected, score: point.score, unit: watchedSeries.find((each) => each.name === name)?.unit };
    this.judged.push({ ...judgement, kind: 'anomaly', subject: name, version: 0, slice: '', fromMs: atMs, toMs, evidence });
  }
}
