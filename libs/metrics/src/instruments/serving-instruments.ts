import { outcomes } from '@slipway/contracts';
import { Counter, type Registry } from 'prom-client';
import { latencyBucketCount } from '../windows/latency-buckets.js';
import { ServingSums } from '../windows/serving-sums.js';
import type { ServingOwner, ServingSeries } from '../windows/serving-window.js';
import { SummedHistogram } from './summed-histogram.js';

const ownerLabels = ['project', 'deployment', 'version', 'revision', 'role'] as const;
type OwnerLabels = Readonly<Record<(typeof ownerLabels)[number], string>>;

/** Time series that one (revision, role) takes: three histograms with sum and count, four counters, outcomes and failures. */
export const seriesPerRevision = 3 * (latencyBucketCount + 2) + 4 + 2 * outcomes.length;

/**
 * Shows the recorder's sums on a registry. The sums are read when somebody scrapes; a request costs nothing here.
 * Names: `alerts-and-metrics.md` 11.3 with the labels of the contract.
 */
export function exposeServing(registry: Registry, series: () => Iterable<ServingSeries>): void {
  const read = () => totalsByLabels(series());
  counter(registry, {
    name: 'slipway_inference_requests_total',
    help: 'Prediction requests by outcome.',
    extra: ['outcome'],
    fill: (add) => {
      for (const { labels, sums } of read()) for (const [outcome, count] of outcomesOf(sums)) add({ ...labels, outcome }, count);
    },
  });
  counter(registry, {
    name: 'slipway_inference_failures_total',
    help: 'Prediction requests that did not succeed, by reason.',
    extra: ['reason'],
    fill: (add) => {
      for (const { labels, sums } of read()) {
        for (const [reason, count] of outcomesOf(sums)) if (reason !== 'success') add({ ...labels, reason }, count);
      }
    },
  });
  const plain = (name: string, help: string, pick: (sums: ServingSums) => number) =>
    counter(registry, {
      name,
      help,
      extra: [],
      fill: (add) => {
        for (const { labels, sums } of read()) add(labels, pick(sums));
      },
    });
  plain('slipway_inference_rows_total', 'Rows in prediction requests.', (sums) => sums.rows);
  plain('slipway_inference_batches_total', 'Runs of the model; requests may share one.', (sums) => sums.runs);
  plain('slipway_inference_request_bytes_total', 'Bytes of prediction request bodies.', (sums) => sums.requestBytes);
  plain('slipway_inference_response_bytes_total', 'Bytes of prediction answer bodies.', (sums) => sums.responseBytes);
  const histogram = (name: string, help: string, counts: (sums: ServingSums) => Float64Array, sum: (sums: ServingSums) => number) =>
    new SummedHistogram({
      name,
      help,
      labelNames: ownerLabels,
      registry,
      read: () => read().map(({ labels, sums }) => ({ labels, counts: counts(sums), sum: sum(sums) })),
    });
  histogram(
    'slipway_inference_request_duration_seconds',
    'Time from the arrival of a request to its answer, of requests that the service tried to answer.',
    (sums) => sums.duration,
    (sums) => sums.durationSeconds,
  );
  histogram(
    'slipway_inference_queue_duration_seconds',
    'Time a request waited before its run.',
    (sums) => sums.queue,
    (sums) => sums.queueSeconds,
  );
  histogram(
    'slipway_inference_compute_duration_seconds',
    'Time a run took.',
    (sums) => sums.compute,
    (sums) => sums.computeSeconds,
  );
}

function counter(
  registry: Registry,
  options: { name: string; help: string; extra: string[]; fill: (add: (labels: Record<string, string>, total: number) => void) => void },
): Counter {
  return new Counter({
    name: options.name,
    help: options.help,
    labelNames: [...ownerLabels, ...options.extra],
    registers: [registry],
    collect() {
      this.reset();
      options.fill((labels, total) => this.inc(labels, total));
    },
  });
}

function labelsOf(owner: ServingOwner): OwnerLabels {
  return {
    project: owner.projectId,
    deployment: owner.deployment,
    version: String(owner.versionNumber),
    revision: String(owner.revision),
    role: owner.role,
  };
}

interface Totals {
  readonly labels: OwnerLabels;
  readonly sums: ServingSums;
}

/** A deployment that was deleted and made again has the same labels; a label set may appear once only, so such series are added up. */
function totalsByLabels(series: Iterable<ServingSeries>): Totals[] {
  const merged = new Map<string, Totals>();
  for (const { owner, exposed, closed, open } of series) {
    if (!exposed) continue;
    const labels = labelsOf(owner);
    const key = Object.values(labels).join('\0');
    const totals = merged.get(key) ?? { labels, sums: new ServingSums() };
    totals.sums.add(closed);
    totals.sums.add(open.sums);
    merged.set(key, totals);
  }
  return [...merged.values()];
}

/** Outcomes that occurred, with their counts. */
function outcomesOf(sums: ServingSums): [string, number][] {
  return outcomes.map((outcome, index): [string, number] => [outcome, sums.outcomes[index] ?? 0]).filter(([, count]) => count > 0);
}
