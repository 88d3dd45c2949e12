import type { LabelledReference, Task } from '@slipway/contracts';
import { z } from 'zod';
import { countRows, type LabelledRow } from './count-rows.js';
import { z95 } from './intervals.js';
import { judgedMetrics, minLabelled, type QualityBaseline } from './judge-quality-window.js';
import { measureWindow } from './measure-window.js';
import { type Moments, varianceOf } from './moments.js';
import type { QualityCounts } from './quality-counts.js';

/** As a judge keeps it. */
export const StoredBaseline = z.object({
  source: z.enum(['reference', 'learned']),
  metrics: z.record(z.string(), z.object({ value: z.number(), sd: z.number(), rows: z.number() })),
});

/** What single errors were like: the mean and standard deviation of e (values) or of 1 − probability of the true class, and the mean of |e|. */
export const UsualError = z.object({ mean: z.number(), sd: z.number(), absolute: z.number(), rows: z.number() });
export type UsualError = z.infer<typeof UsualError>;

/** The errors of a window. */
export function errorMoments(counts: QualityCounts): Moments {
  return counts.errors?.error ?? counts.loss;
}

export function learnError(rows: readonly LabelledRow[]): UsualError | undefined {
  if (rows.length < minLabelled) return undefined;
  const counts = countRows(rows);
  const moments = errorMoments(counts);
  const absolute = counts.errors?.absolute.mean ?? moments.mean;
  return moments.n < minLabelled ? undefined : { mean: moments.mean, sd: Math.sqrt(varianceOf(moments)), absolute, rows: moments.n };
}

/** Parts that a learned baseline is looked at in, to see how much quality wanders anyway. */
const parts = 10;

/** The labelled part of a reference profile, as far as it has metrics that are judged here. */
export function baselineOfReference(labelled: LabelledReference, task: Task): QualityBaseline | undefined {
  const names = judgedMetrics[task.kind].filter((name) => labelled.metrics[name] !== undefined);
  if (names.length === 0) return undefined;
  // The spread over the reference's chunks is mostly that of their few rows, which the window's own error stands for already.
  const metrics = Object.fromEntries(names.map((name) => [name, { value: labelled.metrics[name]?.value ?? 0, sd: 0, rows: labelled.rows }]));
  return { source: 'reference', metrics };
}

/**
 * What a version's quality was at first: the metrics of its first labelled rows, in the order of their predictions, and how they wandered among them
 * beyond chance (R. DerSimonian and N. Laird, 1986). Undefined for fewer rows than can be judged.
 */
export function learnBaseline(rows: readonly LabelledRow[], task: Task): QualityBaseline | undefined {
  if (rows.length < minLabelled) return undefined;
  const { metrics } = measureWindow(countRows(rows), task);
  const size = Math.floor(rows.length / parts);
  const chunks = size < minLabelled / 2 ? [] : Array.from({ length: parts }, (_, part) => rows.slice(part * size, (part + 1) * size));
  const measured = chunks.map((chunk) => measureWindow(countRows(chunk), task).metrics);
  const usual = judgedMetrics[task.kind].flatMap((name) => {
    const whole = metrics[name];
    if (whole === undefined || whole.value === null) return [];
    const each = measured.flatMap((one) => {
      const { value, interval } = one[name] ?? { value: null, interval: null };
      return value === null || interval === null ? [] : [{ value, variance: ((interval[1] - interval[0]) / (2 * z95)) ** 2 }];
    });
    return [[name, { value: whole.value, sd: Math.sqrt(wandering(each)), rows: rows.length }] as const];
  });
  return { source: 'learned', metrics: Object.fromEntries(usual) };
}

/** Variance of what is measured beyond the errors of measuring it; 0 where it is within them. */
function wandering(each: readonly { readonly value: number; readonly variance: number }[]): number {
  const known = each.filter(({ variance }) => variance > 0);
  if (known.length < 3) return 0;
  const weights = known.map(({ variance }) => 1 / variance);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = known.reduce((sum, { value }, index) => sum + value * (weights[index] ?? 0), 0) / total;
  const apart = known.reduce((sum, { value }, index) => sum + (weights[index] ?? 0) * (value - mean) ** 2, 0);
  const scale = total - weights.reduce((sum, weight) => sum + weight * weight, 0) / total;
  return scale > 0 ? Math.max(0, (apart - (known.length - 1)) / scale) : 0;
}
