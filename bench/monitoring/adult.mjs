// US census rows split by education (Evidently's demonstration): the window holds the three kinds of education that the reference lacks.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { countColumns, freezeLayout, judgeDrift, layoutOf } from '@slipway/metrics';

const windowRows = 500;

/** Judges the whole of the current rows and each 500 of them; undefined without the data. */
export function judgeAdult(folder) {
  if (!existsSync(join(folder, 'expected.json'))) return undefined;
  const { numeric, categorical } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  const [reference, current] = ['reference.csv.gz', 'current.csv.gz'].map((file) => readTable(join(folder, file)));
  const columns = [
    ...numeric.map((name) => ({ name, kind: 'numeric' })),
    ...categorical.map((name) => ({ name, kind: 'categorical', categories: [] })),
  ].map((column) => ({ side: 'input', tensor: column.name, index: 0, ...column }));
  const valuesOf =
    (rows) =>
    ({ name, kind }) =>
      kind === 'numeric' ? Float64Array.from(rows, (row) => Number(row[name])) : rows.map((row) => row[name]);
  const layout = freezeLayout(layoutOf(columns), valuesOf(reference));
  const counted = (rows) => countColumns(layout, rows.length, (index) => valuesOf(rows)(layout.columns[index]));
  const judged = (rows) => judgeDrift({ layout, profile: counted(reference) }, counted(rows));
  const windows = [];
  for (let from = 0; from + windowRows <= current.length; from += windowRows) windows.push(judged(current.slice(from, from + windowRows)));
  return { whole: judged(current), windows, rows: current.length };
}

function readTable(file) {
  const [head, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  const names = head.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [names[index], value])));
}
