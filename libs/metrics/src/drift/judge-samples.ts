import type { Judgement } from '@slipway/contracts';
import { type ColumnComparison, compareColumn } from './compare-column.js';
import { columnJudgement, type DriftOptions } from './judge-drift.js';
import { sortedFinite } from './kolmogorov-smirnov.js';

export interface SamplesJudgement extends Judgement {
  readonly psi: number | null;
  readonly noise: number | null;
  readonly p: number | null;
}

type OneColumn = Pick<DriftOptions, 'level' | 'minEffect'> & { readonly name?: string };

/** Judges one numeric column from raw values: counts both samples in deciles of the reference and asks as `judgeDrift` does. NaN is missing. */
export function judgeSamples(reference: ArrayLike<number>, window: ArrayLike<number>, options: OneColumn = {}): SamplesJudgement {
  const edges = decileEdges(reference);
  return judged(compareColumn('numeric', countValues(reference, edges), countValues(window, edges)), options);
}

/** Judges one column from counts in the same bins; `ordered` bins are those of a number, others those of categories. */
export function judgeCounts(
  reference: readonly number[],
  window: readonly number[],
  { ordered = false, ...options }: OneColumn & { readonly ordered?: boolean } = {},
): SamplesJudgement {
  const counts = (bins: readonly number[]) => ({ n: bins.reduce((sum, count) => sum + count, 0), missing: 0, infinite: 0, bins: [...bins] });
  return judged(compareColumn(ordered ? 'numeric' : 'categorical', counts(reference), counts(window)), options);
}

function judged(comparison: ColumnComparison, { level = 0.01, minEffect = 0.1, name = 'the column' }: OneColumn): SamplesJudgement {
  const { keys } = comparison;
  const hasDrifted = keys !== undefined && keys.p <= level && keys.effect >= minEffect;
  const judgement = columnJudgement(name, comparison, { hasDrifted, isIgnored: false, minEffect });
  return { ...judgement, psi: keys?.psi ?? null, noise: keys?.noise ?? null, p: keys?.p ?? null };
}

function decileEdges(values: ArrayLike<number>): number[] {
  const sorted = sortedFinite(values);
  const edges: number[] = [];
  for (let part = 1; part < 10; part += 1) {
    const edge = sorted[Math.floor((part * sorted.length) / 10)];
    if (edge !== undefined && edge !== edges.at(-1)) edges.push(edge);
  }
  return edges;
}

function countValues(values: ArrayLike<number>, edges: readonly number[]): { n: number; missing: number; infinite: number; bins: number[] } {
  const bins = new Array<number>(edges.length + 1).fill(0);
  let [missing, infinite] = [0, 0];
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) missing += 1;
    else if (!Number.isFinite(value)) infinite += 1;
    else {
      let bin = 0;
      while (bin < edges.length && value >= (edges[bin] ?? 0)) bin += 1;
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
  }
  return { n: values.length, missing, infinite, bins };
}
