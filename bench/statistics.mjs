// The few statistics that the benchmark needs.

export function median(values) {
  return quantile(values, 0.5);
}

/** Linear between neighbours; NaN for none. */
export function quantile(values, share) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const rest = place - low;
  return rest === 0 ? sorted[low] : sorted[low] * (1 - rest) + sorted[low + 1] * rest;
}

/** Median with the smallest and the largest value. */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), values };
}

/** Pair by pair, so that what slowed both legs of a pair down does not count. */
export function pairedRatio(over, under) {
  return spread(over.map((value, index) => value / under[index]));
}
