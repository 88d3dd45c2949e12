import { seededRandom } from '../evaluation/seeded-random.js';
import { shuffle } from './calibrate.js';

/** How a metric of a reference spreads: what tells a bad window from an unlucky one. */
export interface MetricSpread {
  /** Over all rows. */
  readonly value: number;
  /** Standard deviation over chunks in the order of the rows, which also sees what changes from one to the next. */
  readonly sd: number;
  readonly chunkRows: number;
  /** Standard deviation of drawing rows, times the root of their number: that of m rows is `perRow / √m`. */
  readonly perRow: number;
}

const chunks = 20;
/** Fewer rows than this in a chunk say nothing about larger ones. */
const chunkRowsMin = 30;
const draws = 5;
const seed = 11;

type Metrics = Readonly<Record<string, number | undefined>>;

/**
 * The spread of metrics over twenty chunks of rows, as they come and drawn at random (five times). A metric that some chunk does not have is left out.
 * @param metricsOf of the rows with these places
 */
export function spreadOfMetrics(count: number, metricsOf: (rows: Uint32Array) => Metrics): Record<string, MetricSpread> {
  const places = Uint32Array.from({ length: count }, (_, row) => row);
  const parts = Math.max(2, Math.min(chunks, Math.floor(count / chunkRowsMin)));
  const chunkRows = Math.floor(count / parts);
  const inOrder = cut(places, parts).map(metricsOf);
  const random = seededRandom(seed);
  const drawn = Array.from({ length: draws }, () => {
    const order = places.slice();
    shuffle(order, random);
    return cut(order, parts).map(metricsOf);
  });
  const spreads: Record<string, MetricSpread> = {};
  for (const [name, value] of Object.entries(metricsOf(places))) {
    const sd = deviation(inOrder, name);
    const bySampling = drawn.map((each) => deviation(each, name));
    if (value === undefined || sd === undefined || bySampling.some((each) => each === undefined)) continue;
    const variance = bySampling.reduce<number>((sum, each) => sum + (each ?? 0) ** 2, 0) / draws;
    spreads[name] = { value, sd, chunkRows, perRow: Math.sqrt(variance * chunkRows) };
  }
  return spreads;
}

/**
 * Standard deviation that the metric has over windows of m rows when all is as in the reference: what drawing m rows makes, and what the chunks
 * of the reference differ by beyond drawing.
 */
export function deviationOf({ sd, chunkRows, perRow }: MetricSpread, m: number): number {
  const between = Math.max(0, sd * sd - (perRow * perRow) / chunkRows);
  return Math.sqrt(between + (perRow * perRow) / Math.max(1, m));
}

function cut(places: Uint32Array, parts: number): Uint32Array[] {
  return Array.from({ length: parts }, (_, part) =>
    places.subarray(Math.floor((part * places.length) / parts), Math.floor(((part + 1) * places.length) / parts)),
  );
}

function deviation(chunked: readonly Metrics[], name: string): number | undefined {
  const values = chunked.flatMap((metrics) => metrics[name] ?? []);
  if (values.length < chunked.length || values.length < 2) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}
