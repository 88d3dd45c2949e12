// The census example of the collection: a version that runs over the rows of its reference and of what came later.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RuntimeSession } from '@slipway/inference';
import { numbersOf, readColumns, textsOf } from './read-columns.mjs';

const numeric = ['age', 'fnlwgt', 'education_num', 'capital_gain', 'capital_loss', 'hours_per_week'];
const categorical = ['workclass', 'education', 'marital_status', 'occupation', 'relationship', 'race', 'sex', 'native_country'];
const positive = '>50K';
const options = { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' };

/** Undefined where the folder has no such example. */
export async function censusStream(material, chunk) {
  const folder = join(material, 'data', 'adult_evidently');
  if (!existsSync(join(folder, 'model.onnx'))) return undefined;
  const session = new RuntimeSession(join(folder, 'model.onnx'), options);
  const [reference, current] = await Promise.all(['reference.csv.gz', 'current.csv.gz'].map((name) => readColumns(join(folder, name))));
  const [before, after] = [answer(session, reference), answer(session, current)];
  // The first half of the reference is what the version stands on; the second looks like it.
  const half = Math.floor(before.labels.length / 2);
  const chunks = [...cut(part(before, half), chunk), ...cut(after, chunk)];
  return { kind: 'binary', features: [...numeric, ...categorical], reference: part(before, 0, half), chunks };
}

function answer(session, columns) {
  const count = columns.get('age').length;
  const inputs = [
    ...numeric.map((name) => ({
      name,
      datatype: 'INT64',
      shape: [count, 1],
      data: BigInt64Array.from(columns.get(name), (cell) => BigInt(Math.trunc(Number(cell)))),
    })),
    ...categorical.map((name) => ({ name, datatype: 'BYTES', shape: [count, 1], data: textsOf(columns.get(name)) })),
  ];
  const [probabilities] = session.run(inputs, ['probabilities']);
  const scores = Float64Array.from({ length: count }, (_, row) => probabilities.data[2 * row + 1]);
  return {
    columns: [...numeric.map((name) => numbersOf(columns.get(name))), ...categorical.map((name) => textsOf(columns.get(name)))],
    scores,
    predicted: Uint8Array.from(scores, (score) => (score >= 0.5 ? 1 : 0)),
    labels: Uint8Array.from(columns.get('class'), (cell) => (String(cell).trim() === positive ? 1 : 0)),
  };
}

function part(rows, from, to) {
  const own = (values) => values.slice(from, to);
  return { columns: rows.columns.map(own), scores: own(rows.scores), predicted: own(rows.predicted), labels: own(rows.labels) };
}

function cut(rows, size) {
  const count = Math.max(1, Math.floor(rows.labels.length / size));
  return Array.from({ length: count }, (_, at) => part(rows, at * size, Math.min(rows.labels.length, (at + 1) * size)));
}
