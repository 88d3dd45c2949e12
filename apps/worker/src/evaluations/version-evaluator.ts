import { fileURLToPath } from 'node:url';
import { Batching, type Task } from '@slipway/contracts';
import { requestRows } from '@slipway/deployments';
import { labelOf } from '@slipway/metrics';
import type { ClaimedEvaluation, EvaluationOutcome } from '@slipway/registry';
import { type Block, featureNamesOf, TableReader } from '@slipway/tables';
import { LabelledAnswers } from './labelled-answers.js';
import { measureInThread } from './measure-in-thread.js';
import { EvaluationFailure } from './model-process.js';
import { RowScorer } from './row-scorer.js';

/** Rows of one run of the model: enough to be quick, and few enough to be done again one by one. */
const rowsPerRun = 256;
const blockSize = { rows: 4_096, bytes: 8 * 1024 * 1024 };
const noBatching = Batching.parse({});

export interface EvaluatorOptions {
  readonly evaluation: ClaimedEvaluation;
  readonly modelPath: string;
  readonly datasetPath: string;
  readonly loadLimitMs: number;
  readonly runLimitMs: number;
  readonly memoryLimitBytes: number;
  readonly signal: AbortSignal;
}

/** What was found, and the file of predictions. */
export interface Evaluated {
  readonly outcome: EvaluationOutcome;
  readonly predictions: Uint8Array;
}

/**
 * Runs a version over a labelled set from beginning to end, in processes of their own for file and model, and measures it.
 * @throws EvaluationFailure, SlipwayError TABLE_…: it cannot be done. The signal's reason.
 */
export async function evaluateVersion(options: EvaluatorOptions): Promise<Evaluated> {
  const { version, dataset } = options.evaluation;
  const { signature, task } = version;
  if (signature === undefined) throw new EvaluationFailure(`version ${version.number} has no signature, so nothing can be made of rows`);
  const known = knownTask(task, version.number);
  const target = requestRows({ signature, task: known, rowsIndependent: version.rowsIndependent }, noBatching);
  const { loadLimitMs, runLimitMs, memoryLimitBytes, signal, modelPath } = options;
  const spec = { modelPath, digest: version.digest, signature, task: known, intraOpThreads: 1 };
  const program = fileURLToPath(new URL('./run-model.js', import.meta.url));
  const scorer = new RowScorer(
    { program, spec, loadLimitMs, runLimitMs, memoryLimitBytes, signal },
    { hasRows: target.hasRows, maxRows: Math.min(rowsPerRun, target.maxRows) },
  );
  const { labelColumn, idColumn, columns, header, delimiter } = dataset.options;
  const featureNames = featureNamesOf(version.metadata);
  const reader = new TableReader(
    {
      path: options.datasetPath,
      format: dataset.format,
      header,
      delimiter,
      columns,
      idColumns: [labelColumn, ...(idColumn === undefined ? [] : [idColumn])],
      model: { inputs: signature.inputs, hasRows: target.hasRows, ...(featureNames === undefined ? {} : { featureNames: [...featureNames] }) },
    },
    blockSize,
    signal,
  );
  const answers = new LabelledAnswers();
  let read = 0;
  try {
    await reader.open();
    for (let block = await reader.read(); block !== undefined; block = await reader.read()) {
      read += block.rows;
      await answerBlock(block, scorer, answers);
    }
  } finally {
    await Promise.all([reader.close(), scorer.close()]);
  }
  if (answers.count === 0) throw new EvaluationFailure(`none of the ${read} rows has a label and readable inputs${firstError(scorer)}`);
  if (answers.answered === 0) throw new EvaluationFailure(`the model gave no usable answer for any of ${answers.count} rows${firstError(scorer)}`);
  const { rowNumbers, ids, ...answered } = answers.rows();
  const measureProgram = fileURLToPath(new URL('./measure-thread.js', import.meta.url));
  const { result, file } = await measureInThread(
    measureProgram,
    { task: known, answered, rowNumbers, ids: idColumn === undefined ? undefined : ids },
    signal,
  );
  const rows = { read, labelled: answers.count, answered: answers.answered };
  return { outcome: { task: known, rows, rowErrors: scorer.errors, runMsPerRow: scorer.runMsPerRow, result }, predictions: file };
}

/** A row counts when it has a label and its inputs can be read; what the model makes of it is another matter. */
async function answerBlock(block: Block, scorer: RowScorer, answers: LabelledAnswers): Promise<void> {
  for (const { index, column, expected, given } of block.faults)
    scorer.note(block.firstRow + index, `${column === undefined ? '' : `column ${JSON.stringify(column)}: `}expected ${expected}; given ${given}`);
  const numberOf = (index: number) => block.firstRow + index;
  const scored: { index: number; row: Awaited<ReturnType<RowScorer['score']>>[number] }[] = [];
  for (const segment of block.segments) {
    const rows = await scorer.score(segment, (place) => numberOf(segment.rows[place] ?? 0));
    for (const [place, row] of rows.entries()) scored.push({ index: segment.rows[place] ?? 0, row });
  }
  for (const { index, row } of scored.sort((a, b) => a.index - b.index)) {
    const [cell, id] = block.ids[index] ?? [];
    const label = labelOf(cell);
    if (label !== undefined) answers.add({ number: numberOf(index), id, label }, row);
  }
}

function knownTask(task: Task | undefined, version: number): Task {
  if (task !== undefined && task.kind !== 'other') return task;
  throw new EvaluationFailure(
    `version ${version} does not say what its answers mean; state its task (PATCH …/versions/${version}) and begin the evaluation again`,
  );
}

function firstError({ errors }: RowScorer): string {
  const [first] = errors;
  return first === undefined ? '' : `; row ${first.row}: ${first.message}`;
}
