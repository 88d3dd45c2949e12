// SEA (W. N. Street and Y. Kim, 2001): what is asked never changes, what is right changes three times. Drift must stay silent, quality must not.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  countColumns,
  countRows,
  freezeLayout,
  judgeDrift,
  judgeQualityWindow,
  layoutOf,
  learnBaseline,
  measureWindow,
  scoredRows,
} from '@slipway/metrics';
import { Random } from './random.mjs';

const rowsInAll = 50_000;
const trainedOn = 8_000;
const windowRows = 2_500;
const conceptRows = 12_500;
const task = { kind: 'binary', predictionOutput: 'label', scoreOutput: 'score', classes: ['0', '1'], rowAxis: 0 };

/** The rows of the file where it is there, else those that the authors' rule gives: x1 + x2 ≤ θ, three uniform features, a tenth of the labels wrong. */
export function seaRows(file, seed) {
  if (existsSync(file)) {
    const [, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
    const rows = lines.map((line) => line.split(',').map(Number)).map(([x1, x2, x3, label]) => ({ x: [x1, x2, x3], label }));
    return { from: 'the file of the material', rows };
  }
  const random = new Random(seed);
  const rows = Array.from({ length: rowsInAll }, (_, index) => {
    const x = [10 * random.uniform(), 10 * random.uniform(), 10 * random.uniform()];
    const isRight = random.uniform() >= 0.1;
    return { x, label: Number(x[0] + x[1] <= [8, 9, 7, 9.5][Math.floor(index / conceptRows)] === isRight) };
  });
  return { from: "the authors' rule (the material has no file here)", rows };
}

/** Judges window by window with a logistic model of the first 8 000 rows, which are the reference, too. */
export function judgeSea(rows) {
  const model = fitLogistic(rows.slice(0, trainedOn));
  const scored = rows.map(({ x, label }) => ({ x, label, score: model(x) }));
  const columns = ['x1', 'x2', 'x3'].map((name) => ({ name, side: 'input', tensor: name, index: 0, kind: 'numeric' }));
  const score = { name: '@score', side: 'output', tensor: 'score', index: null, kind: 'numeric' };
  const valuesOf = (part) => (_, index) => Float64Array.from(part, ({ x, score: own }) => (index < 3 ? x[index] : own));
  const reference = scored.slice(0, trainedOn);
  const layout = freezeLayout(layoutOf([...columns, score]), valuesOf(reference));
  const counted = (part) => countColumns(layout, part.length, (index) => valuesOf(part)(undefined, index));
  const driftReference = { layout, profile: counted(reference) };
  const baseline = learnBaseline(reference.map(labelledRow), task);
  const windows = [];
  for (let from = 0; from + windowRows <= scored.length; from += windowRows) {
    const part = scored.slice(from, from + windowRows);
    const labelled = part.map(labelledRow);
    const drift = judgeDrift(driftReference, counted(part));
    const quality = judgeQualityWindow({ measures: measureWindow(countRows(labelled), task, scoredRows(labelled)), task, baseline });
    const isQualityAlarm = Object.values(quality).some(({ verdict }) => verdict === 'alarm');
    windows.push({ from, concept: Math.floor(from / conceptRows), drift, isQualityAlarm, accuracy: quality.accuracy });
  }
  return windows;
}

function labelledRow({ score, label }) {
  const predicted = score >= 0.5 ? '1' : '0';
  const place = Number(label);
  return {
    ...{ predicted, predictedNumber: Number(predicted), score, scores: [1 - score, score] },
    ...{ truth: place, rank: Number(predicted) === place ? 0 : 1, label: String(label), labelNumber: null },
  };
}

/** Logistic regression on standardised features by Newton's method: the same in every run. */
function fitLogistic(rows) {
  const scaled = ({ x }) => [1, ...x.map((value) => (value - 5) / 3)];
  let weights = [0, 0, 0, 0];
  for (let step = 0; step < 12; step += 1) {
    const gradient = [0, 0, 0, 0];
    const hessian = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (const row of rows) {
      const features = scaled(row);
      const share = logistic(features, weights);
      for (let i = 0; i < 4; i += 1) {
        gradient[i] += (row.label - share) * features[i];
        for (let j = 0; j < 4; j += 1) hessian[i][j] += share * (1 - share) * features[i] * features[j];
      }
    }
    const change = solve(hessian, gradient);
    weights = weights.map((weight, index) => weight + change[index]);
  }
  return (x) => logistic(scaled({ x }), weights);
}

function logistic(features, weights) {
  return 1 / (1 + Math.exp(-features.reduce((sum, value, index) => sum + value * weights[index], 0)));
}

/** Gauss' elimination with pivots. */
function solve(matrix, right) {
  const rows = matrix.map((row, index) => [...row, right[index]]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const pivot = rows.slice(column).reduce((best, row, at) => (Math.abs(row[column]) > Math.abs(rows[best][column]) ? column + at : best), column);
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let at = column; at <= size; at += 1) rows[row][at] -= factor * rows[column][at];
    }
  }
  return rows.map((row, index) => row[size] / row[index]);
}
