import { Histogram, type Registry } from 'prom-client';
import { latencyEdges } from '../windows/latency-buckets.js';

declare module 'prom-client' {
  // What the registry calls for the text form, and what `get` is made of; the typings of 15.1 leave it out.
  interface Histogram {
    getForPromString(): ReturnType<Histogram['get']>;
  }
}

/** One labelled histogram: counts per latency bucket (the last one open) and the sum of the values in seconds. */
export interface SummedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** A prom-client histogram whose counts are kept elsewhere and read at scrape time, so that observing costs nothing here. */
export class SummedHistogram extends Histogram {
  private readonly read: () => readonly SummedSeries[];

  constructor(options: { name: string; help: string; labelNames: readonly string[]; registry: Registry; read: () => readonly SummedSeries[] }) {
    super({ name: options.name, help: options.help, labelNames: [...options.labelNames], buckets: [...latencyEdges], registers: [options.registry] });
    this.read = options.read;
  }

  override async getForPromString(): ReturnType<Histogram['get']> {
    const base = await super.getForPromString();
    return { ...base, values: this.read().flatMap((series) => valuesOf(base.name, series)) };
  }
}

type Values = Awaited<ReturnType<Histogram['get']>>['values'];

function valuesOf(name: string, { labels, counts, sum }: SummedSeries): Values {
  const values: Values = [];
  let below = 0;
  latencyEdges.forEach((edge, bucket) => {
    below += counts[bucket] ?? 0;
    values.push({ metricName: `${name}_bucket`, value: below, labels: { ...labels, le: edge } });
  });
  below += counts[latencyEdges.length] ?? 0;
  values.push({ metricName: `${name}_bucket`, value: below, labels: { ...labels, le: '+Inf' } });
  values.push({ metricName: `${name}_sum`, value: sum, labels: { ...labels } });
  values.push({ metricName: `${name}_count`, value: below, labels: { ...labels } });
  return values;
}
