import { Gauge, type Registry } from 'prom-client';
import type { ToldSlo } from './told-slo.store.js';

/**
 * Gauges of objectives (`alerts-and-metrics.md` 11.3); what has no value is left out.
 * @param read called when scraped, twice; it should remember for some seconds.
 */
export function exposeSlos(registry: Registry, read: () => Promise<readonly ToldSlo[]>): void {
  const registers = [registry];
  new Gauge({
    name: 'slipway_slo_error_budget_remaining_ratio',
    help: 'What is left of the error budget of the period; below 0 when more is spent.',
    labelNames: ['project', 'deployment', 'slo'],
    registers,
    async collect() {
      this.reset();
      for (const { labels, budgetRemaining } of await read()) if (budgetRemaining !== null) this.set({ ...labels }, budgetRemaining);
    },
  });
  new Gauge({
    name: 'slipway_slo_error_ratio',
    help: 'Share of bad events in the long windows of burn rates.',
    labelNames: ['project', 'deployment', 'slo', 'window'],
    registers,
    async collect() {
      this.reset();
      for (const { labels, errorRatios } of await read()) for (const { window, ratio } of errorRatios) this.set({ ...labels, window }, ratio);
    },
  });
}
