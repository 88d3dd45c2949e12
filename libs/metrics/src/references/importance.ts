import type { ColumnLayout } from '@slipway/contracts';
import { type ColumnValues, edgesOf, predictionColumn, scoreColumn } from '../profiles/index.js';

/** Parts of what is predicted, when it is a number. */
const targetParts = 10;
/** Classes told apart; the rest is one. */
const classesMost = 30;
/** Rows that are looked at; more change nothing. */
const rowsMost = 50_000;

/**
 * How strongly the predictions hang on each input: their mutual information over bins, without what as many bins have by chance (Miller and
 * Madow 1955), as shares of all inputs together. Null for outputs, and for all where nothing is predicted or nothing hangs together.
 */
export function importanceOf(columns: readonly ColumnLayout[], valuesOf: (index: number) => ColumnValues | undefined): (number | null)[] {
  const target = targetOf(columns, valuesOf);
  const raw = columns.map((column, index) => {
    const values = column.side === 'input' ? valuesOf(index) : undefined;
    return values === undefined || target === undefined ? undefined : information(binsOf(column, values), target);
  });
  const total = raw.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  return raw.map((each) => (each === undefined || total === 0 ? null : each / total));
}

/** The score where there is one: it says more than the class. Of several classes the class itself, since each has a score of its own. */
function targetOf(columns: readonly ColumnLayout[], valuesOf: (index: number) => ColumnValues | undefined): Uint16Array | undefined {
  const find = (name: string) => columns.findIndex((column) => column.name === name);
  const [score, prediction] = [find(scoreColumn), find(predictionColumn)];
  const predicted = prediction === -1 ? undefined : valuesOf(prediction);
  const isBinary = (columns[prediction]?.categories?.length ?? 0) <= 2;
  const scores = score === -1 ? undefined : valuesOf(score);
  if (scores instanceof Float64Array && (predicted === undefined || isBinary)) return numberBins(scores, targetParts);
  if (predicted === undefined) return undefined;
  return predicted instanceof Float64Array && columns[prediction]?.kind === 'numeric' ? numberBins(predicted, targetParts) : textBins(predicted);
}

function binsOf({ kind }: ColumnLayout, values: ColumnValues): Uint16Array {
  return kind === 'numeric' && values instanceof Float64Array ? numberBins(values, 20) : textBins(values);
}

/** Missing values in the bin behind the last. */
function numberBins(values: Float64Array, parts: number): Uint16Array {
  const all = edgesOf(values) ?? [];
  const every = Math.max(1, Math.round(20 / parts));
  const edges = Float64Array.from(all.slice(1, -1).filter((_, index) => (index + 1) % every === 0));
  return Uint16Array.from(values.subarray(0, rowsMost), (value) => {
    if (Number.isNaN(value)) return edges.length + 1;
    let bin = 0;
    while (bin < edges.length && value >= (edges[bin] ?? 0)) bin += 1;
    return bin;
  });
}

function textBins(values: ColumnValues): Uint16Array {
  const counts = new Map<string | number, number>();
  const looked = Math.min(values.length, rowsMost);
  for (let row = 0; row < looked; row += 1) counts.set(values[row] ?? '', (counts.get(values[row] ?? '') ?? 0) + 1);
  const places = new Map(
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, classesMost)
      .map(([value], place) => [value, place]),
  );
  return Uint16Array.from({ length: looked }, (_, row) => places.get(values[row] ?? '') ?? classesMost);
}

function information(a: Uint16Array, b: Uint16Array): number {
  const n = Math.min(a.length, b.length);
  if (n === 0) return 0;
  const [countA, countB, joint] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const count = (map: Map<number, number>, key: number) => map.set(key, (map.get(key) ?? 0) + 1);
  for (let row = 0; row < n; row += 1) {
    const [x, y] = [a[row] ?? 0, b[row] ?? 0];
    count(countA, x);
    count(countB, y);
    count(joint, x * 65_536 + y);
  }
  let nats = 0;
  for (const [key, together] of joint) {
    const [x, y] = [Math.floor(key / 65_536), key % 65_536];
    nats += (together / n) * Math.log((together * n) / ((countA.get(x) ?? 1) * (countB.get(y) ?? 1)));
  }
  return Math.max(0, nats - ((countA.size - 1) * (countB.size - 1)) / (2 * n));
}
