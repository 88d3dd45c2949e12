import { fileURLToPath } from 'node:url';
import { Batching, limits, type ProfileLayout, type ReferenceBody, type Signature, type Task } from '@slipway/contracts';
import { requestRows } from '@slipway/deployments';
import { type ClaimedReference, labelOf } from '@slipway/metrics';
import { bareLayout, rowAxisOf } from '@slipway/metrics/profiles';
import { type Block, featureNamesOf, TableReader } from '@slipway/tables';
import { EvaluationFailure } from '../evaluations/model-process.js';
import { RowScorer } from '../evaluations/row-scorer.js';
import { measureNoiseApart, SampledRows } from '../noise/measure-noise.js';
import { buildInThread } from './build-in-thread.js';
import { GatheredRows } from './gathered-rows.js';

/** Rows of one run of the model: enough to be quick, and few enough to be done again one by one. */
const rowsPerRun = 256;
const blockSize = { rows: 4_096, bytes: 8 * 1024 * 1024 };
/** Time for measuring noise: of slow models fewer rows are measured. */
const noiseMs = 60_000;
/** Fewer rows are no reference. */
const rowsMin = 50;
const noBatching = Batching.parse({});
const program = fileURLToPath(new URL('../evaluations/run-model.js', import.meta.url));

export interface MakerOptions {
  readonly reference: ClaimedReference;
  readonly modelPath: string;
  readonly rowsPath: string;
  readonly loadLimitMs: number;
  readonly runLimitMs: number;
  readonly memoryLimitBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Runs a version over a file of rows from beginning to end, in processes of their own for file and model, and makes a reference of what went in and
 * what came out.
 * @throws EvaluationFailure, SlipwayError TABLE_…: it cannot be done. The signal's reason.
 */
export async function makeReference(options: MakerOptions): Promise<ReferenceBody> {
  const { version, input } = options.reference;
  const { signature } = version;
  if (signature === undefined) throw new EvaluationFailure(`version ${version.version} has no signature, so nothing can be made of rows`);
  const task: Task = version.task ?? { kind: 'other', rowAxis: rowAxisOf(signature, undefined) };
  const target = requestRows({ signature, task, rowsIndependent: version.rowsIndependent }, noBatching);
  const featureNames = featureNamesOf({ properties: version.properties });
  const layout = bareLayout(signature, task, { names: namesOf(signature, input.file.columns ?? featureNames) });
  const { loadLimitMs, runLimitMs, memoryLimitBytes, signal, modelPath } = options;
  const spec = { modelPath, digest: version.digest, signature, task, intraOpThreads: 1 };
  const limited = { program, loadLimitMs, runLimitMs, memoryLimitBytes, signal };
  const scorer = new RowScorer({ ...limited, spec: { ...spec, layout } }, { hasRows: target.hasRows, maxRows: Math.min(rowsPerRun, target.maxRows) });
  const { labelColumn, idColumns, columns, header, delimiter, format } = input.file;
  const reader = new TableReader(
    {
      path: options.rowsPath,
      format,
      header,
      delimiter,
      columns,
      idColumns: [...(labelColumn === undefined ? [] : [labelColumn]), ...idColumns],
      model: { inputs: signature.inputs, hasRows: target.hasRows, ...(featureNames === undefined ? {} : { featureNames: [...featureNames] }) },
    },
    blockSize,
    signal,
    { maxRows: limits.datasetRows },
  );
  const sampled = new SampledRows(target.hasRows);
  const gathered = await gather(reader, scorer, { layout, hasLabels: labelColumn !== undefined, sampled });
  if (gathered.count < rowsMin)
    throw new EvaluationFailure(
      `a reference needs at least ${rowsMin} rows that the model can answer; the file has ${gathered.count}${firstError(scorer)}`,
    );
  const body = await buildInThread({ task: version.task, gathered: gathered.take() }, signal);
  const noise = await measureNoiseApart({ ...limited, spec }, { samples: sampled.samples, reference: body, limitMs: noiseMs });
  return { ...body, noise };
}

interface Gathering {
  readonly layout: ProfileLayout;
  readonly hasLabels: boolean;
  /** Rows that the noise of the model is measured on. */
  readonly sampled: SampledRows;
}

async function gather(reader: TableReader, scorer: RowScorer, gathering: Gathering): Promise<GatheredRows> {
  const gathered = new GatheredRows(gathering.layout, limits.referenceRows);
  try {
    await reader.open();
    for (let block = await reader.read(); block !== undefined; block = await reader.read()) await gatherBlock(block, scorer, gathered, gathering);
  } finally {
    await Promise.all([reader.close(), scorer.close()]);
  }
  return gathered;
}

/** In the order of the file, whatever segments its rows are in: chunks of a reference are told apart by time. */
async function gatherBlock(block: Block, scorer: RowScorer, gathered: GatheredRows, { hasLabels, sampled }: Gathering): Promise<void> {
  for (const { index, column, expected, given } of block.faults)
    scorer.note(block.firstRow + index, `${column === undefined ? '' : `column ${JSON.stringify(column)}: `}expected ${expected}; given ${given}`);
  const scored: { index: number; row: Awaited<ReturnType<RowScorer['score']>>[number] }[] = [];
  for (const segment of block.segments) {
    sampled.add(segment);
    const rows = await scorer.score(segment, (place) => block.firstRow + (segment.rows[place] ?? 0));
    for (const [place, row] of rows.entries()) scored.push({ index: segment.rows[place] ?? 0, row });
  }
  for (const { index, row } of scored.sort((a, b) => a.index - b.index)) gathered.add(hasLabels ? labelOf(block.ids[index]?.[0]) : undefined, row);
}

/** The names of the values of the one input that takes a list. */
function namesOf(signature: Signature, names: readonly string[] | undefined): ReadonlyMap<string, readonly string[]> {
  const inputs = signature.inputs.filter((input) => input.optional !== true);
  const [only] = inputs;
  return only === undefined || inputs.length !== 1 || names === undefined ? new Map() : new Map([[only.name, names]]);
}

function firstError({ errors }: RowScorer): string {
  const [first] = errors;
  return first === undefined ? '' : `; row ${first.row}: ${first.message}`;
}
