import type { ColumnReference } from '@slipway/contracts';
import type { ColumnValues } from '../profiles/index.js';

/** Different values are counted up to this many. */
const distinctMost = 10_000;

/** What is known of a reference's column beyond its counts, but for its importance. */
export function describeColumn(values: ColumnValues | undefined): Omit<ColumnReference, 'importance'> {
  const distinct = values === undefined ? 0 : distinctOf(values);
  if (!(values instanceof Float64Array)) return { quantiles: null, sd: null, distinct };
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return { quantiles: null, sd: null, distinct };
  const at = (share: number) => quantileOf(sorted, share);
  return { quantiles: { p05: at(0.05), p25: at(0.25), p50: at(0.5), p75: at(0.75), p95: at(0.95) }, sd: deviationOf(sorted), distinct };
}

/** Quantile of ascending values, straight between two of them (as numpy's default). */
export function quantileOf(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const [below, above] = [sorted[low] ?? 0, sorted[Math.min(low + 1, sorted.length - 1)] ?? 0];
  return below + (above - below) * (place - low);
}

/** Of the population (ddof 0). Null where squares are beyond a double. */
function deviationOf(values: Float64Array): number | null {
  let [count, mean, m2] = [0, 0, 0];
  for (const value of values) {
    count += 1;
    const delta = value - mean;
    mean += delta / count;
    m2 += delta * (value - mean);
  }
  const sd = Math.sqrt(m2 / count);
  return Number.isFinite(sd) ? sd : null;
}

function distinctOf(values: ColumnValues): number {
  const seen = new Set<string | number>();
  for (const value of values) {
    if (value === '' || Number.isNaN(value)) continue;
    seen.add(value);
    if (seen.size >= distinctMost) break;
  }
  return seen.size;
}
