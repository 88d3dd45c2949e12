import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Gauges of prom-client whose names end in `_total`, which the naming rules keep for counters; the per-type gauges say the same. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/**
 * The registry of one process: `process_*`, `nodejs_*` and `slipway_build_info`. Every process has exactly one.
 * @param processName api, worker or console.
 */
export function createRegistry(processName: string, version = '0.1.0'): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({
    name: 'slipway_build_info',
    help: 'Which build runs; always 1.',
    labelNames: ['process', 'version', 'node'],
    registers: [registry],
  }).set({ process: processName, version, node: process.version }, 1);
  return registry;
}
