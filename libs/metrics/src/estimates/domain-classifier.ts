import { rankScores, rocAuc } from '../evaluation/ranking.js';
import { seededRandom } from '../evaluation/seeded-random.js';
import { shuffle, stratifiedFolds } from './calibrate.js';

/** A feature of rows: NaN or an empty text is missing. */
export type DomainFeature = Float64Array | readonly string[];

/** Rows that are looked at on each side; more cost time and tell little. */
export const rowsPerSide = 1_500;
const folds = 3;
const seed = 7;
const binsMax = 32;
/** Texts with bins of their own, by how often they occur. */
const textsMax = 31;
const trees = 40;
const depth = 3;
const rate = 0.15;
const leafRows = 20;
/** Pulls the values of small leaves to 0. */
const ridge = 5;
const minimumGain = 1;

/**
 * How well rows of a window can be told from those of the reference: the area under the ROC curve of gradient-boosted trees over binned features
 * (Friedman 2001), cross-validated over three parts. 0.5: not at all; 1: always. The same rows give the same figure.
 * @returns undefined with fewer than 30 rows on a side, or without features
 */
export function domainAuc(reference: readonly DomainFeature[], window: readonly DomainFeature[]): number | undefined {
  const sides = [sample(reference, 1), sample(window, 2)] as const;
  const [before, after] = [sides[0].length, sides[1].length];
  if (Math.min(before, after) < 30 || reference.length === 0 || reference.length !== window.length) return undefined;
  const rows = before + after;
  const isWindow = Uint8Array.from({ length: rows }, (_, row) => (row < before ? 0 : 1));
  const binned = reference.map((feature, index) => binFeature(feature, window[index] ?? [], sides));
  const foldOf = stratifiedFolds(isWindow, folds, seed);
  const scores = new Float64Array(rows);
  for (let fold = 0; fold < folds; fold += 1) {
    const inside = Uint32Array.from({ length: rows }, (_, row) => row).filter((row) => foldOf[row] !== fold);
    const forest = grow(binned, isWindow, inside);
    for (let row = 0; row < rows; row += 1) if (foldOf[row] === fold) scores[row] = forest.reduce((sum, tree) => sum + valueAt(tree, binned, row), 0);
  }
  return rocAuc(rankScores(scores), isWindow);
}

/** Places of at most `rowsPerSide` rows, drawn evenly. */
function sample(features: readonly DomainFeature[], side: number): Uint32Array {
  const count = features[0]?.length ?? 0;
  const places = Uint32Array.from({ length: count }, (_, row) => row);
  if (count <= rowsPerSide) return places;
  shuffle(places, seededRandom(seed + side));
  return places.subarray(0, rowsPerSide);
}

interface BinnedFeature {
  readonly bins: Uint8Array;
  readonly count: number;
  /** The bins have an order; those of texts are ordered anew at every split. */
  readonly isOrdered: boolean;
}

/** Values of both sides in common bins; missing ones in a bin of their own, the last. */
function binFeature(before: DomainFeature, after: DomainFeature, [beforeRows, afterRows]: readonly [Uint32Array, Uint32Array]): BinnedFeature {
  if (before instanceof Float64Array && after instanceof Float64Array)
    return binNumbers(Float64Array.from([...numbersOf(before, beforeRows), ...numbersOf(after, afterRows)]));
  return binTexts([...textsOf(before, beforeRows), ...textsOf(after, afterRows)]);
}

function numbersOf(values: Float64Array, rows: Uint32Array): number[] {
  return Array.from(rows, (row) => values[row] ?? Number.NaN);
}

function textsOf(values: DomainFeature, rows: Uint32Array): string[] {
  return Array.from(rows, (row) => {
    const value = values[row] ?? '';
    return typeof value === 'string' ? value : Number.isNaN(value) ? '' : String(value);
  });
}

function binNumbers(values: Float64Array): BinnedFeature {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const edges: number[] = [];
  for (let part = 1; part < binsMax; part += 1) {
    const edge = sorted[Math.floor((part * sorted.length) / binsMax)];
    if (edge !== undefined && edge > (edges.at(-1) ?? Number.NEGATIVE_INFINITY) && edge > (sorted[0] ?? 0)) edges.push(edge);
  }
  const bins = Uint8Array.from(values, (value) => {
    if (Number.isNaN(value)) return edges.length + 1;
    let bin = 0;
    while (bin < edges.length && value >= (edges[bin] ?? 0)) bin += 1;
    return bin;
  });
  return { bins, count: edges.length + 2, isOrdered: true };
}

function binTexts(values: readonly string[]): BinnedFeature {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const frequent = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, textsMax);
  const places = new Map(frequent.map(([text], place) => [text, place]));
  return { bins: Uint8Array.from(values, (value) => places.get(value) ?? frequent.length), count: frequent.length + 1, isOrdered: false };
}

type Tree = { readonly value: number } | { readonly feature: number; readonly goesLeft: Uint8Array; readonly left: Tree; readonly right: Tree };

function grow(features: readonly BinnedFeature[], target: Uint8Array, rows: Uint32Array): Tree[] {
  const scores = new Float64Array(target.length);
  const gradients = new Float64Array(target.length);
  const weights = new Float64Array(target.length);
  const forest: Tree[] = [];
  for (let index = 0; index < trees; index += 1) {
    for (const row of rows) {
      const chance = 1 / (1 + Math.exp(-(scores[row] ?? 0)));
      gradients[row] = (target[row] ?? 0) - chance;
      weights[row] = chance * (1 - chance);
    }
    const tree = growTree({ features, gradients, weights }, rows, depth);
    for (const row of rows) scores[row] = (scores[row] ?? 0) + valueAt(tree, features, row);
    forest.push(tree);
    // A root that is a leaf: nothing is left to be told apart.
    if ('value' in tree) break;
  }
  return forest;
}

interface Slopes {
  readonly features: readonly BinnedFeature[];
  readonly gradients: Float64Array;
  readonly weights: Float64Array;
}

function growTree(slopes: Slopes, rows: Uint32Array, levels: number): Tree {
  const split = levels === 0 || rows.length < 2 * leafRows ? undefined : bestSplit(slopes, rows);
  if (split === undefined) {
    let [gradient, weight] = [0, 0];
    for (const row of rows) {
      gradient += slopes.gradients[row] ?? 0;
      weight += slopes.weights[row] ?? 0;
    }
    return { value: (rate * gradient) / (weight + ridge) };
  }
  const { bins } = slopes.features[split.feature] ?? { bins: new Uint8Array() };
  const goes = (row: number) => split.goesLeft[bins[row] ?? 0] === 1;
  return {
    ...split,
    left: growTree(
      slopes,
      rows.filter((row) => goes(row)),
      levels - 1,
    ),
    right: growTree(
      slopes,
      rows.filter((row) => !goes(row)),
      levels - 1,
    ),
  };
}

function bestSplit({ features, gradients, weights }: Slopes, rows: Uint32Array): { feature: number; goesLeft: Uint8Array } | undefined {
  let best: { feature: number; goesLeft: Uint8Array; gain: number } | undefined;
  for (const [feature, { bins, count, isOrdered }] of features.entries()) {
    const sums = { gradient: new Float64Array(count), weight: new Float64Array(count), rows: new Uint32Array(count) };
    for (const row of rows) {
      const bin = bins[row] ?? 0;
      sums.gradient[bin] = (sums.gradient[bin] ?? 0) + (gradients[row] ?? 0);
      sums.weight[bin] = (sums.weight[bin] ?? 0) + (weights[row] ?? 0);
      sums.rows[bin] = (sums.rows[bin] ?? 0) + 1;
    }
    const found = bestCut(sums, isOrdered);
    if (found !== undefined && found.gain > (best?.gain ?? minimumGain)) best = { feature, ...found };
  }
  return best;
}

function bestCut(
  { gradient, weight, rows }: { gradient: Float64Array; weight: Float64Array; rows: Uint32Array },
  isOrdered: boolean,
): { goesLeft: Uint8Array; gain: number } | undefined {
  const order = Uint32Array.from(gradient.keys());
  const steepness = (bin: number) => (gradient[bin] ?? 0) / ((weight[bin] ?? 0) + 1);
  if (!isOrdered) order.sort((a, b) => steepness(a) - steepness(b) || a - b);
  const all = { gradient: sum(gradient), weight: sum(weight), rows: rows.reduce((total, each) => total + each, 0) };
  const worth = (slope: number, mass: number) => (slope * slope) / (mass + ridge);
  let left = { gradient: 0, weight: 0, rows: 0 };
  let best: { cut: number; gain: number } | undefined;
  for (let cut = 0; cut < order.length - 1; cut += 1) {
    const bin = order[cut] ?? 0;
    left = { gradient: left.gradient + (gradient[bin] ?? 0), weight: left.weight + (weight[bin] ?? 0), rows: left.rows + (rows[bin] ?? 0) };
    if (left.rows < leafRows || all.rows - left.rows < leafRows) continue;
    const gain = worth(left.gradient, left.weight) + worth(all.gradient - left.gradient, all.weight - left.weight) - worth(all.gradient, all.weight);
    if (gain > (best?.gain ?? 0)) best = { cut, gain };
  }
  if (best === undefined) return undefined;
  const goesLeft = new Uint8Array(order.length);
  for (let place = 0; place <= best.cut; place += 1) goesLeft[order[place] ?? 0] = 1;
  return { goesLeft, gain: best.gain };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function valueAt(tree: Tree, features: readonly BinnedFeature[], row: number): number {
  let node = tree;
  while (!('value' in node)) node = node.goesLeft[features[node.feature]?.bins[row] ?? 0] === 1 ? node.left : node.right;
  return node.value;
}
