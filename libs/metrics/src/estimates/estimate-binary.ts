/** Rows of a binary classifier without labels. */
export interface UnlabelledScores {
  /** As the model gives them: what rows are ranked by. */
  readonly scores: Float64Array;
  /** Calibrated: how likely each row is positive. */
  readonly chances: Float64Array;
  /** 1 where the positive class was predicted. */
  readonly predicted: Uint8Array;
  /** How many rows each stands for; absent: one. */
  readonly weights?: Float64Array | undefined;
}

/** Metrics that can be estimated of a binary classifier without labels. */
export const estimatedBinaryMetrics = ['accuracy', 'precision', 'recall', 'f1', 'specificity', 'rocAuc', 'prAuc'] as const;
export type EstimatedBinaryMetric = (typeof estimatedBinaryMetrics)[number];

/**
 * Quality of a binary classifier expected from its calibrated scores (CBPE, `monitoring.md` 6.9): every row is as many positives as its chance
 * says. Undefined where a metric is: precision without predicted positives, areas with one class only.
 */
export function estimateBinary(rows: UnlabelledScores): Record<EstimatedBinaryMetric, number | undefined> {
  const { chances, predicted, weights } = rows;
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  for (let row = 0; row < chances.length; row += 1) {
    const weight = weights?.[row] ?? 1;
    const hit = weight * (chances[row] ?? 0);
    if (predicted[row] === 1) {
      tp += hit;
      fp += weight - hit;
    } else {
      fn += hit;
      tn += weight - hit;
    }
  }
  const m = tp + fp + fn + tn;
  const areas = estimateAreas(rows);
  return {
    accuracy: share(tp + tn, m),
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    f1: m === 0 ? undefined : (share(tp, tp + (fp + fn) / 2) ?? 0),
    specificity: share(tn, tn + fp),
    ...areas,
  };
}

/** Areas under the ROC curve (trapezoid) and of average precision, from the highest raw score down, with fractional hits. */
export function estimateAreas({ scores, chances, weights }: Omit<UnlabelledScores, 'predicted'>): {
  rocAuc: number | undefined;
  prAuc: number | undefined;
} {
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  let [hits, misses, roc, precision] = [0, 0, 0, 0];
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from] ?? 0];
    let [tieHits, tieMisses] = [0, 0];
    let to = from;
    for (; to < order.length && scores[order[to] ?? 0] === score; to += 1) {
      const row = order[to] ?? 0;
      const weight = weights?.[row] ?? 1;
      tieHits += weight * (chances[row] ?? 0);
      tieMisses += weight * (1 - (chances[row] ?? 0));
    }
    roc += tieMisses * (hits + tieHits / 2);
    hits += tieHits;
    misses += tieMisses;
    if (hits + misses > 0) precision += tieHits * (hits / (hits + misses));
    from = to;
  }
  const hasBoth = hits > 0 && misses > 0;
  return { rocAuc: hasBoth ? roc / hits / misses : undefined, prAuc: hits > 0 ? precision / hits : undefined };
}

function share(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}
