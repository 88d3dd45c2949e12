// Quality estimated without labels, chunk by chunk, against the quality that the labels show: on given files (see --help), else on generated streams.
import {
  arrangeRows,
  buildReference,
  countColumns,
  domainAuc,
  estimateBinary,
  estimateWindow,
  gradeTrust,
  judgeEstimates,
  layoutOf,
  realisedWindow,
  trustFactsOf,
} from '@slipway/metrics';
import { censusStream } from '../estimates/census.mjs';
import { readStream } from '../estimates/read-stream.mjs';
import { binaryStream, regressionStream } from '../estimates/streams.mjs';

const seed = 20_261_123;
const censusChunk = 2_500;
const tasks = {
  binary: { kind: 'binary', predictionOutput: 'label', scoreOutput: 'score', classes: ['0', '1'], positiveClass: '1', rowAxis: 0 },
  regression: { kind: 'regression', predictionOutput: 'value', rowAxis: 0 },
};
/** The metric that bars are about, and those that are shown beside it. */
const shown = { binary: ['rocAuc', 'f1', 'accuracy'], regression: ['mae', 'rmse'] };

export async function estimates(bench) {
  const { estimates: options = {}, isQuick } = bench;
  if (options.reference !== undefined || options.analysis !== undefined) {
    if (options.reference === undefined || options.analysis === undefined) throw new Error('expected both --reference and --analysis');
    judgeStream(bench, 'files', await readStream(options));
    return;
  }
  const size = isQuick ? { referenceRows: 20_000, chunkRows: 5_000, chunks: 8 } : { referenceRows: 60_000, chunkRows: 5_000, chunks: 20 };
  judgeStream(bench, 'generated classifier', binaryStream(seed, size));
  judgeStream(bench, 'generated regressor', regressionStream(seed, size));
  const census = options.material === undefined ? undefined : await censusStream(options.material, options.chunk ?? censusChunk);
  if (census !== undefined) judgeStream(bench, 'census example', census);
}

function judgeStream(bench, title, { kind, features, reference, chunks, names }) {
  const { report } = bench;
  const task = tasks[kind];
  const count = reference.labels.length;
  report.say(`  ${title}: ${count} reference rows, ${chunks.length} chunks of ${chunks[0]?.labels.length ?? 0}, ${features.length} inputs`);
  if (names !== undefined)
    report.say(`  label ${names.label}, score ${names.score ?? '–'}, prediction ${names.prediction ?? '–'}; inputs ${features.join(', ')}`);
  const body = buildReference({
    layout: layoutOf(features.map((name, at) => columnOf(name, reference.columns[at]))),
    rows: count,
    values: reference.columns,
    labelled: { arranged: arrangeRows(task, answeredOf(kind, reference)), places: Uint32Array.from({ length: count }, (_, row) => row) },
  });
  const { labelled } = body;
  if (labelled === null) throw new Error('the reference has too few labelled rows');
  if (labelled.ece !== undefined)
    report.say(
      `  calibration error ${labelled.ece.before.toFixed(4)} → ${labelled.ece.after.toFixed(4)}; independence of the inputs ${body.independence.toFixed(2)}`,
    );
  const judged = chunks.map((chunk) => judgeChunk(task, body, reference, chunk));
  printChunks(report, kind, labelled, judged);
  conclude(bench, kind, judged);
}

function judgeChunk(task, body, reference, chunk) {
  const rows = recordsOf(task, chunk);
  const profile = countColumns(body.layout, rows.length, (at) => chunk.columns[at]);
  const estimate = estimateWindow(task, body.labelled, rows, partsOf(body, chunk));
  const realised = realisedWindow(task, body.labelled, rows);
  const byProfile = trustFactsOf(body, profile);
  const byRows = {
    ...byProfile,
    domainAuc: domainAuc(reference.columns, chunk.columns),
    domainFrom: 'rows',
    outOfRange: outOfRange(reference, chunk),
  };
  const trust = gradeTrust(byRows);
  // Where the chances themselves are known there is a truth without the luck of labels.
  const { scores, chances, predicted } = chunk;
  const truth = chances === undefined ? undefined : estimateBinary({ scores, chances, predicted });
  return {
    n: rows.length,
    estimate,
    realised,
    truth,
    trust,
    byProfile: gradeTrust(byProfile),
    verdicts: judgeEstimates(task, body.labelled, estimate, { trust }),
  };
}

function printChunks(report, kind, { metrics }, judged) {
  const columns = shown[kind];
  const head = columns.flatMap((name) => [`${name} est.`, 'real', 'error']);
  report.say(`  ${['chunk', 'rows', ...head, 'domain', 'by counts', 'outside', 'grade', 'verdict'].map((text) => text.padStart(14)).join('')}`);
  for (const [at, { n, estimate, realised, trust, byProfile, verdicts }] of judged.entries()) {
    const figures = columns.flatMap((name) => {
      const [value, truth] = [estimate.metrics[name]?.estimate, realised?.[name]];
      return [value, truth, value === undefined || truth === undefined ? undefined : value - truth].map((each) => each?.toFixed(4) ?? '–');
    });
    const worst = verdicts.find(({ verdict }) => verdict === 'alarm');
    const verdict = worst === undefined ? (verdicts[0]?.verdict ?? '–') : `${worst.subject} ${trust.grade === 'C' ? 'hint' : 'alarm'}`;
    const outside = trust.outOfRangeShare === null ? '–' : `${(100 * trust.outOfRangeShare).toFixed(2)} %`;
    const cells = [String(at), String(n), ...figures, trust.domainAuc?.toFixed(3) ?? '–', byProfile.domainAuc?.toFixed(3) ?? '–', outside];
    report.say(`  ${[...cells, `${trust.grade} (${byProfile.grade})`, verdict].map((text) => text.padStart(14)).join('')}`);
  }
  for (const name of columns) {
    const spread = metrics[name];
    if (spread !== undefined)
      report.say(`  reference ${name} ${spread.value.toFixed(4)}, sd ${spread.sd.toFixed(4)} over chunks of ${spread.chunkRows}`);
  }
}

function conclude(bench, kind, judged) {
  const { report } = bench;
  const [metric] = shown[kind];
  const trusted = judged.filter(
    ({ trust, realised, estimate }) => trust.grade === 'A' && realised?.[metric] !== undefined && estimate.metrics[metric] !== undefined,
  );
  const distance =
    (of) =>
    ({ estimate, ...known }) =>
      Math.abs(estimate.metrics[metric].estimate - known[of][metric]);
  if (trusted.length === 0) report.skip(`estimated ${metric} against realised`, 'no chunk has the grade A');
  else if (kind === 'regression') report.figure('estimatesMae', mean(trusted.map((each) => distance('realised')(each) / each.realised[metric])));
  else if (trusted[0].truth === undefined) report.figure('estimatesAuc', mean(trusted.map(distance('realised'))));
  else {
    report.say(
      `  the realised AUC of a chunk is off by ${mean(trusted.map(({ truth, realised }) => Math.abs(truth[metric] - realised[metric]))).toFixed(4)} itself, by the luck of its labels`,
    );
    report.figure('estimatesTruth', mean(trusted.map(distance('truth'))));
  }
  const pairs = judged.filter(({ trust, byProfile }) => trust.domainAuc !== null && byProfile.domainAuc !== null);
  report.figure('estimatesStandIn', mean(pairs.map(({ trust, byProfile }) => Math.abs(trust.domainAuc - byProfile.domainAuc))));
}

function recordsOf({ kind }, { scores, predicted, labels }) {
  const isBinary = kind === 'binary';
  return Array.from({ length: labels.length }, (_, row) => ({
    atMs: row,
    predicted: isBinary ? String(predicted[row]) : null,
    predictedNumber: predicted[row],
    score: scores?.[row] ?? null,
    scores: null,
    weight: 1,
    label: isBinary ? String(labels[row]) : null,
    labelNumber: labels[row],
  }));
}

function answeredOf(kind, { scores, predicted, labels }) {
  return {
    labels: Array.from(labels, String),
    predictions: Array.from(predicted, kind === 'binary' ? String : Number),
    ...(scores === undefined ? {} : { scores: { columns: 1, values: scores } }),
  };
}

function columnOf(name, values) {
  const common = { name, side: 'input', tensor: name, index: 0 };
  return values instanceof Float64Array ? { ...common, kind: 'numeric' } : { ...common, kind: 'categorical', categories: [] };
}

/** Rows by part of the error table's input. */
function partsOf({ layout, labelled }, { columns }) {
  const at = layout.columns.findIndex(({ name }) => name === labelled.errorTable?.column);
  if (at < 0 || !(columns[at] instanceof Float64Array)) return undefined;
  const edges = labelled.errorTable.columnEdges;
  const parts = new Array(edges.length + 1).fill(0);
  for (const value of columns[at]) if (Number.isFinite(value)) parts[edges.filter((edge) => value >= edge).length] += 1;
  return parts;
}

/** Share of rows with a value beyond the reference's bounds, or one that it has never seen. */
function outOfRange(reference, chunk) {
  const seen = reference.columns.map((values) => {
    if (!(values instanceof Float64Array)) return new Set(values);
    const finite = values.filter(Number.isFinite);
    return {
      low: finite.reduce((least, value) => Math.min(least, value), Infinity),
      high: finite.reduce((most, value) => Math.max(most, value), -Infinity),
    };
  });
  const isOutside = (known, value) => (known instanceof Set ? value !== '' && !known.has(value) : value < known.low || value > known.high);
  const counts = seen.map(() => 0);
  let rows = 0;
  for (let row = 0; row < chunk.labels.length; row += 1) {
    let any = false;
    for (const [at, known] of seen.entries()) {
      if (!isOutside(known, chunk.columns[at][row])) continue;
      counts[at] += 1;
      any = true;
    }
    if (any) rows += 1;
  }
  return { share: rows / chunk.labels.length, column: `column ${counts.indexOf(Math.max(...counts)) + 1}` };
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
