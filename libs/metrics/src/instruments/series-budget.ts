import { Counter, type Registry } from 'prom-client';

/** Most time series that one process exposes beside its default metrics. */
export const maxSeries = 10_000;

const budgets = new WeakMap<Registry, SeriesBudget>();

/** Bounds the number of time series of a registry; what does not fit is counted and left out of /metrics (the windows still have it). */
export class SeriesBudget {
  private used = 0;
  private readonly dropped: Counter;

  constructor(
    registry: Registry,
    private readonly limit = maxSeries,
  ) {
    this.dropped = new Counter({
      name: 'slipway_metrics_dropped_series_total',
      help: 'Time series left out because the process already exposes as many as it may.',
      registers: [registry],
    });
    budgets.set(registry, this);
  }

  /** The one budget of a registry. */
  static of(registry: Registry): SeriesBudget {
    return budgets.get(registry) ?? new SeriesBudget(registry);
  }

  /** Takes place for `count` series, or counts them as dropped and answers false. */
  take(count: number): boolean {
    if (this.used + count > this.limit) {
      this.dropped.inc(count);
      return false;
    }
    this.used += count;
    return true;
  }

  /** Gives back what was taken. */
  release(count: number): void {
    this.used = Math.max(0, this.used - count);
  }
}
