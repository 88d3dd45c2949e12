// Files of rows as a stream of chunks. Which column is what is told, or guessed by the names that such files usually have.
import { numbersOf, readColumns, textsOf } from './read-columns.mjs';

const usual = {
  score: ['predicted_probability', 'y_pred_proba', 'score', 'probability', 'proba', 'predicted_proba'],
  prediction: ['prediction', 'predicted', 'y_pred', 'y_hat', 'yhat'],
  label: ['target', 'label', 'y_true', 'actual', 'work_home_actual', 'employed', 'class'],
  id: ['id', 'identifier', 'row_id', 'index', 'uuid'],
};
const noInputs = ['timestamp', 'time', 'date', 'datetime', 'year', 'period', 'partition', 'chunk'];
const defaultChunk = 5_000;
const boolean = /^(true|false)$/i;

/** @param options see `options.mjs` */
export async function readStream(options) {
  const reference = await readColumns(options.reference);
  const analysis = await readColumns(options.analysis);
  const labels = options.labels === undefined ? undefined : await readColumns(options.labels);
  const names = namesOf(options, reference, analysis, labels);
  const kind = kindOf(reference, names);
  const truths = labels === undefined ? cellsOf(analysis, names.label, options.analysis) : joinLabels(analysis, labels, names, options.labels);
  const positive = kind === 'binary' ? positiveOf(options, reference, names) : undefined;
  const sides = inputColumns(reference, analysis, names.features);
  const rowsOf = (columns, own, cells) => ({ columns: own, ...answersOf(kind, columns, names, positive), labels: truthsOf(kind, cells, positive) });
  const whole = rowsOf(analysis, sides.analysis, truths);
  return {
    kind,
    names,
    features: names.features,
    reference: rowsOf(reference, sides.reference, cellsOf(reference, names.label, options.reference)),
    chunks: cut(whole, options.chunk ?? defaultChunk),
  };
}

function namesOf(options, reference, analysis, labels) {
  const find = (what, columns) => options[what] ?? usual[what].find((name) => columns.has(name));
  const id = find('id', analysis);
  const alone = [...reference.keys()].filter((name) => !analysis.has(name));
  const label =
    options.label ??
    (labels === undefined ? undefined : [...labels.keys()].find((name) => name !== id && reference.has(name))) ??
    alone[0] ??
    find('label', reference);
  const [score, prediction] = [find('score', reference), find('prediction', reference)];
  if (label === undefined || !reference.has(label))
    throw new Error(`the reference has no column of labels; name it with --label (it has ${[...reference.keys()].join(', ')})`);
  if (score === undefined && prediction === undefined)
    throw new Error('the reference has neither scores nor predictions; name them with --score and --prediction');
  const taken = new Set([id, label, score, prediction, ...noInputs, ...(options.ignore ?? [])]);
  const features = options.features ?? [...reference.keys()].filter((name) => !taken.has(name) && analysis.has(name));
  for (const name of features) if (!reference.has(name) || !analysis.has(name)) throw new Error(`the files have no column ${JSON.stringify(name)}`);
  return { id, label, score, prediction, features };
}

/** Scores make a classifier; without them a label of more than two values is a number to be predicted. */
function kindOf(reference, { label, score }) {
  const distinct = new Set(textsOf(reference.get(label)).filter((text) => text !== ''));
  if (score === undefined) return 'regression';
  if (distinct.size !== 2) throw new Error(`expected labels of two classes in ${JSON.stringify(label)} beside the scores; it has ${distinct.size}`);
  return 'binary';
}

function positiveOf(options, reference, { label, score }) {
  if (options.positive !== undefined) return classOf(options.positive);
  const [labels, scores] = [reference.get(label).map(classOf), numbersOf(reference.get(score))];
  const means = [...new Set(labels)].map((name) => {
    const rows = labels.flatMap((each, row) => (each === name ? [scores[row]] : []));
    return { name, mean: rows.reduce((sum, value) => sum + value, 0) / rows.length };
  });
  return means.sort((a, b) => b.mean - a.mean)[0].name;
}

/** One way of writing a class: 1, 1.0 and true are one and the same. */
function classOf(cell) {
  const text = String(cell ?? '').trim();
  if (boolean.test(text)) return text.toLowerCase() === 'true' ? '1' : '0';
  return text !== '' && !Number.isNaN(Number(text)) ? String(Number(text)) : text;
}

function answersOf(kind, columns, { score, prediction }, positive) {
  if (kind === 'regression') return { predicted: required(numbersOf(columns.get(prediction)), prediction) };
  const scores = required(numbersOf(columns.get(score)), score);
  const said = prediction === undefined || !columns.has(prediction) ? undefined : columns.get(prediction);
  return { scores, predicted: Uint8Array.from(scores, (value, row) => Number(said === undefined ? value >= 0.5 : classOf(said[row]) === positive)) };
}

function truthsOf(kind, cells, positive) {
  return kind === 'regression' ? required(numbersOf(cells), 'label') : Uint8Array.from(cells, (cell) => Number(classOf(cell) === positive));
}

function joinLabels(analysis, labels, { id, label }, path) {
  const truths = cellsOf(labels, label, path);
  if (id === undefined || !labels.has(id) || !analysis.has(id)) {
    const rows = analysis.values().next().value.length;
    if (truths.length !== rows)
      throw new Error(`${path}: expected ${rows} labels, one per row, or a column that names rows (--id); it has ${truths.length}`);
    return truths;
  }
  const byId = new Map(labels.get(id).map((name, row) => [String(name), truths[row]]));
  return analysis.get(id).map((name) => {
    if (!byId.has(String(name))) throw new Error(`${path}: no label for the row ${JSON.stringify(name)}`);
    return byId.get(String(name));
  });
}

/** Numbers only where both files have numbers. */
function inputColumns(reference, analysis, features) {
  const sides = { reference: [], analysis: [] };
  for (const name of features) {
    const [before, after] = [reference.get(name), analysis.get(name)];
    const numbers = [numbersOf(before), numbersOf(after)];
    const areNumbers = numbers.every((values) => values !== undefined);
    sides.reference.push(areNumbers ? numbers[0] : textsOf(before));
    sides.analysis.push(areNumbers ? numbers[1] : textsOf(after));
  }
  return sides;
}

function cut(rows, size) {
  const count = rows.labels.length;
  const chunks = [];
  for (let from = 0; from < count; from += size) {
    const to = Math.min(count, from + size);
    if (to - from < size / 2 && chunks.length > 0) break;
    const part = (values) => values.slice(from, to);
    chunks.push({
      columns: rows.columns.map(part),
      predicted: part(rows.predicted),
      labels: part(rows.labels),
      ...(rows.scores === undefined ? {} : { scores: part(rows.scores) }),
    });
  }
  return chunks;
}

function cellsOf(columns, name, path) {
  const cells = columns.get(name);
  if (cells === undefined) throw new Error(`${path}: no column ${JSON.stringify(name)}`);
  return cells;
}

function required(values, name) {
  if (values === undefined) throw new Error(`expected numbers in the column ${JSON.stringify(name)}`);
  return values;
}
