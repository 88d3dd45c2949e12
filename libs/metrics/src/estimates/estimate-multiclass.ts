import { estimateAreas } from './estimate-binary.js';
import { applyMap, type MonotoneMap } from './isotonic.js';

/** Rows of a multiclass classifier without labels. */
export interface UnlabelledRows {
  readonly classes: number;
  /** Row by row, a score per class, as the model gives them. */
  readonly scores: Float64Array;
  /** Row by row, calibrated and adding up to 1. */
  readonly chances: Float64Array;
  /** Place of the predicted class; `classes` where it is none of them. */
  readonly predicted: Int32Array;
}

export const estimatedMulticlassMetrics = ['accuracy', 'precisionMacro', 'recallMacro', 'f1Macro', 'rocAuc'] as const;
export type EstimatedMulticlassMetric = (typeof estimatedMulticlassMetrics)[number];

/** Each class calibrated against all others, and every row made to add up to 1 again. A row whose chances are all 0 keeps its scores. */
export function calibrateRows(scores: Float64Array, maps: readonly (MonotoneMap | undefined)[]): Float64Array {
  const classes = maps.length;
  const chances = new Float64Array(scores.length);
  for (let start = 0; start + classes <= scores.length; start += classes) {
    let sum = 0;
    for (let column = 0; column < classes; column += 1) {
      const [map, score] = [maps[column], scores[start + column] ?? 0];
      const chance = map === undefined ? score : applyMap(map, score);
      chances[start + column] = chance;
      sum += chance;
    }
    for (let column = 0; column < classes; column += 1) {
      const at = start + column;
      chances[at] = sum > 0 ? (chances[at] ?? 0) / sum : (scores[at] ?? 0);
    }
  }
  return chances;
}

/** Quality of a multiclass classifier expected from its calibrated scores: the expected confusion matrix, and one-vs-rest areas (macro means). */
export function estimateMulticlass({ classes, scores, chances, predicted }: UnlabelledRows): Record<EstimatedMulticlassMetric, number | undefined> {
  const actual = new Float64Array(classes);
  const hits = new Float64Array(classes);
  const given = new Float64Array(classes + 1);
  for (const [row, place] of predicted.entries()) {
    given[place] = (given[place] ?? 0) + 1;
    for (let column = 0; column < classes; column += 1) {
      const chance = chances[row * classes + column] ?? 0;
      actual[column] = (actual[column] ?? 0) + chance;
      if (column === place) hits[column] = (hits[column] ?? 0) + chance;
    }
  }
  const rows = predicted.length;
  const each = Array.from({ length: classes }, (_, column) => [hits[column] ?? 0, given[column] ?? 0, actual[column] ?? 0] as const);
  return {
    accuracy: rows === 0 ? undefined : hits.reduce((sum, hit) => sum + hit, 0) / rows,
    precisionMacro: macro(each, ([hit, said]) => (said > 0 ? hit / said : 0)),
    recallMacro: macro(each, ([hit, , is]) => (is > 0 ? hit / is : 0)),
    f1Macro: macro(each, ([hit, said, is]) => (said + is > 0 ? (2 * hit) / (said + is) : 0)),
    rocAuc: macroArea(classes, scores, chances),
  };
}

function macro(
  each: readonly (readonly [number, number, number])[],
  metricOf: (one: readonly [number, number, number]) => number,
): number | undefined {
  return each.length === 0 ? undefined : each.reduce((sum, one) => sum + metricOf(one), 0) / each.length;
}

function macroArea(classes: number, scores: Float64Array, chances: Float64Array): number | undefined {
  let sum = 0;
  for (let column = 0; column < classes; column += 1) {
    const pick = (values: Float64Array) => values.filter((_, at) => at % classes === column);
    const { rocAuc } = estimateAreas({ scores: pick(scores), chances: pick(chances) });
    if (rocAuc === undefined) return undefined;
    sum += rocAuc;
  }
  return classes === 0 ? undefined : sum / classes;
}
