import { Gauge, type Registry } from 'prom-client';
import type { SeriesBudget } from '../instruments/series-budget.js';
import { binQuantile } from './noise-bins.js';
import type { NoiseRecorder } from './noise-recorder.js';
import { addTotals, type NoiseTotals, noTotals } from './noise-totals.js';

/**
 * Shows the noise of the running hour on a registry: the 95 % quantile of what this process has measured. Read when somebody scrapes.
 * @param budget bounds the number of series together with all others
 */
export function exposeNoise(registry: Registry, recorder: NoiseRecorder, budget: SeriesBudget): void {
  let held = 0;
  new Gauge({
    name: 'slipway_prediction_noise_ratio',
    help: 'Root of the variance of answers to one sample by the size of the answer, 95 % quantile of the running hour; by how it is measured.',
    labelNames: ['project', 'deployment', 'version', 'probe'],
    registers: [registry],
    collect() {
      budget.release(held);
      held = 0;
      this.reset();
      for (const { labels, totals } of totalsByLabels(recorder)) {
        if (totals.n === 0 || !budget.take(1)) continue;
        held += 1;
        this.set(labels, binQuantile(totals.bins, 0.95) ?? 0);
      }
    },
  });
}

interface Labelled {
  readonly labels: Readonly<Record<'project' | 'deployment' | 'version' | 'probe', string>>;
  readonly totals: NoiseTotals;
}

/** Several sources count under one set of labels. */
function totalsByLabels(recorder: NoiseRecorder): Iterable<Labelled> {
  const merged = new Map<string, Labelled>();
  for (const { owner, totals } of recorder.current()) {
    const labels = { project: owner.projectId, deployment: owner.deployment, version: String(owner.version), probe: owner.probe };
    const key = JSON.stringify(labels);
    merged.set(key, { labels, totals: addTotals(merged.get(key)?.totals ?? noTotals(), totals) });
  }
  return merged.values();
}
