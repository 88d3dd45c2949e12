// What the case `estimates` is told at the command line. Nothing of the product is imported here: it may not be built yet.
import { resolve } from 'node:path';

const files = ['--reference', '--analysis', '--labels', '--material'];
const lists = ['--features', '--ignore'];
const texts = ['--score', '--prediction', '--label', '--positive', '--id'];
const numbers = ['--chunk'];

export const estimatesHelp = `npm run bench -- estimates --reference <file> --analysis <file> [options]

Estimates quality without labels chunk by chunk and compares it with the quality that the labels show. Files are CSV (also .csv.gz), NDJSON, Parquet or Arrow.
Without files it does so on generated streams whose truth is known.

  --reference <file>    labelled rows that estimates stand on
  --analysis <file>     rows to be judged, in the order of time
  --labels <file>       labels of these rows, where the file of rows has none; joined by --id, else row by row
  --label <column>      true class or value            (target, label, y_true, actual, else the column that --labels or the reference has alone)
  --score <column>      score of the positive class    (predicted_probability, y_pred_proba, score, probability, proba); none: a regression
  --prediction <column> predicted class or value       (prediction, predicted, y_pred, y_hat)
  --positive <class>    the class that the score is of (1, true, yes, else the one with the higher mean score)
  --id <column>         names rows; no input            (id, row_id, index, uuid)
  --features <a,b,…>    the inputs                     (all other columns)
  --ignore <a,b,…>      columns that are no inputs, besides those above (timestamp, year, period, partition)
  --chunk <rows>        rows of a chunk                (5000; the last one may be half as long)
  --material <folder>   the collection of models and data, for its census example
`;

/** Takes the options of the case out of the words, with their values. */
export function takeEstimateOptions(words, fail) {
  const taken = {};
  for (const name of [...files, ...lists, ...texts, ...numbers]) {
    const at = words.indexOf(name);
    if (at < 0) continue;
    const [, value] = words.splice(at, 2);
    if (value === undefined || value.startsWith('--')) fail(`Expected a value after ${name}.`);
    taken[name.slice(2)] = parseValue(name, value, fail);
  }
  return taken;
}

function parseValue(name, value, fail) {
  if (files.includes(name)) return resolve(process.env.INIT_CWD ?? '.', value);
  if (lists.includes(name)) return value.split(',').map((each) => each.trim());
  if (!numbers.includes(name)) return value;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 100) fail(`Expected a whole number from 100 on after ${name}; given ${JSON.stringify(value)}.`);
  return number;
}
