import type { Signature, VersionFootprint } from '@slipway/contracts';
import { canaryInputs, elementCount, type Tensor } from '@slipway/inference';
import { affordableRuns, batchSizes } from './affordable-trials.js';

type Latencies = NonNullable<VersionFootprint['latencies']>;

/**
 * The median time of a run by its number of rows: 1, 2, 4 … as far as time allows; only one row where rows must not be joined. The first run of each size
 * allocates and is left out.
 * @param oneRowMs a run of one row took this long; a model for which three runs are too much is not measured further.
 */
export function measureLatencies(
  run: (inputs: readonly Tensor[]) => unknown,
  signature: Signature,
  { oneRowMs, rowsIndependent }: { oneRowMs: number; rowsIndependent: boolean },
): Latencies {
  const latencies: Latencies = [];
  const startedAt = performance.now();
  let previousMs = oneRowMs / 2;
  for (const rows of rowsIndependent ? batchSizes : batchSizes.slice(0, 1)) {
    const runs = affordableRuns(previousMs, performance.now() - startedAt, elementsOf(signature, rows));
    if (runs === 0) break;
    const inputs = canaryInputs(signature, rows);
    run(inputs);
    previousMs = median(Array.from({ length: runs }, () => timeOf(() => run(inputs))));
    latencies.push({ rows, medianMs: Math.round(previousMs * 1000) / 1000 });
  }
  return latencies;
}

/** Values of the largest input; worked out before they are made. */
function elementsOf(signature: Signature, rows: number): number {
  const counts = signature.inputs.map((input) =>
    elementCount(input.shape.map((dimension, axis) => (dimension === -1 ? (axis === 0 ? rows : 1) : dimension))),
  );
  return Math.max(0, ...counts);
}

function timeOf(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
