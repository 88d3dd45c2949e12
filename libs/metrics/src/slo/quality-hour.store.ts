import type { SloMetric, Task } from '@slipway/contracts';
import { measureWindow } from '../quality/measure-window.js';
import { addCounts, noCounts, type QualityCounts } from '../quality/quality-counts.js';
import { QualityWindowStore } from '../quality/quality-window.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import type { QualityHour } from './count-events.js';

/** Labelled predictions from which an hour is told at all (`monitoring.md` 7). */
export const leastLabelled = 100;
const hourMs = 3_600_000;
/** How long what was measured of a span may be reused. */
const freshForMs = 60_000;
const keptMax = 1_000;

/** Hours of labelled predictions of a deployment, all versions together. */
export class QualityHourStore {
  private readonly windows: QualityWindowStore;
  private readonly kept = new Map<string, { readonly atMs: number; readonly hours: QualityHour[] }>();

  constructor(db: Queryable) {
    this.windows = new QualityWindowStore(db);
  }

  /** Hours that begin in a span and in which anything was predicted, in order. */
  async hours(query: { deploymentId: string; task: Task; metric: SloMetric; fromMs: number; toMs: number }): Promise<QualityHour[]> {
    const key = `${query.deploymentId}/${query.metric}/${Math.round((query.toMs - query.fromMs) / hourMs)}`;
    const known = this.kept.get(key);
    if (known !== undefined && query.toMs >= known.atMs && query.toMs - known.atMs < freshForMs) return known.hours;
    const hours = await this.measure(query);
    this.kept.delete(key);
    this.kept.set(key, { atMs: query.toMs, hours });
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptMax && oldest !== undefined) this.kept.delete(oldest);
    return hours;
  }

  private async measure({ task, metric, ...query }: { deploymentId: string; task: Task; metric: SloMetric; fromMs: number; toMs: number }) {
    const byHour = new Map<number, QualityCounts>();
    for (const { startMs, counts } of await this.windows.windows({ ...query, seconds: 3_600 })) {
      const sum = byHour.get(startMs) ?? noCounts();
      addCounts(sum, counts);
      byHour.set(startMs, sum);
    }
    return [...byHour].map(([startMs, counts]): QualityHour => {
      const measure = measureWindow(counts, task).metrics[metric];
      return { endMs: startMs + hourMs, value: measure === undefined || measure.n < leastLabelled ? null : measure.value };
    });
  }
}
