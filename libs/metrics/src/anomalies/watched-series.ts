import type { AnomalySeriesName } from '@slipway/contracts';

/** A value of a window of five minutes, and how many things it was taken over (requests, samples, predictions). */
export interface WindowValue {
  readonly value: number;
  readonly n: number;
}

/** How a series is watched. */
export interface WatchedSeries {
  readonly name: AnomalySeriesName;
  readonly unit: string;
  /** Fewer than so many things in a window are too few for a value: a gap. */
  readonly leastN: number;
  /** To where the detector works: steps that matter equally are equally long there, so that quiet and busy hours can be compared. */
  readonly toScale: (value: number) => number;
  readonly fromScale: (scaled: number) => number;
  /** Whether a difference is large enough to matter to anybody, however rare it is: the second key. */
  readonly matters: (seen: WindowValue, expected: number) => boolean;
  /** What a deploy changes by right: relearnt for a while after one. What is not, still alarms. */
  readonly isRelearnt: boolean;
}

const minSeconds = 300;
const logScale = { toScale: (value: number) => Math.log(Math.max(value, 1e-9)), fromScale: Math.exp };
const rootScale = { toScale: (value: number) => Math.sqrt(Math.max(0, value)), fromScale: (scaled: number) => Math.max(0, scaled) ** 2 };
const plainScale = { toScale: (value: number) => value, fromScale: (scaled: number) => scaled };

/** Twice or half as many, and so many that it is no chance of few: six standard deviations of a Poisson count. */
const isOtherRate = (seen: number, expected: number) =>
  (seen > 2 * expected || seen < expected / 2) && Math.abs(Math.sqrt(seen) - Math.sqrt(Math.max(0, expected))) > 3;

/** The series of a deployment that are watched. Sizes that matter are the second key beside rarity, as for drift (`monitoring.md` 7). */
export const watchedSeries: readonly WatchedSeries[] = [
  {
    name: 'traffic',
    unit: 'requests/s',
    leastN: 0,
    ...rootScale,
    matters: ({ value }, expected) => isOtherRate(value * minSeconds, expected * minSeconds),
    isRelearnt: false,
  },
  {
    name: 'error_ratio',
    unit: 'ratio',
    leastN: 20,
    ...rootScale,
    matters: ({ value, n }, expected) => value > expected + 0.01 && (value - expected) * n >= 5,
    isRelearnt: false,
  },
  { name: 'latency_p50', unit: 's', leastN: 20, ...logScale, matters: ({ value }, expected) => value > 1.5 * expected, isRelearnt: false },
  { name: 'latency_p95', unit: 's', leastN: 20, ...logScale, matters: ({ value }, expected) => value > 1.5 * expected, isRelearnt: false },
  { name: 'cpu', unit: 'cores', leastN: 1, ...rootScale, matters: ({ value }, expected) => value > 1.5 * expected + 0.05, isRelearnt: true },
  { name: 'memory', unit: 'bytes', leastN: 1, ...logScale, matters: ({ value }, expected) => value > 1.3 * expected, isRelearnt: true },
  {
    name: 'prediction_mean',
    unit: '',
    leastN: 50,
    ...plainScale,
    matters: ({ value }, expected) => Math.abs(value - expected) > 0.1 * Math.abs(expected),
    isRelearnt: true,
  },
  {
    name: 'labels',
    unit: 'labels/s',
    leastN: 0,
    ...rootScale,
    matters: ({ value }, expected) => isOtherRate(value * minSeconds, expected * minSeconds),
    isRelearnt: false,
  },
];
