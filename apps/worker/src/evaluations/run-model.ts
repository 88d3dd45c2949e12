import { readFileSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { messageOf } from '@slipway/contracts';
import {
  cleanRuntimeMessage,
  decodeRequest,
  defaultInstanceLimits,
  elementCount,
  fromFloat16,
  RuntimeSession,
  type Tensor,
  toRunError,
} from '@slipway/inference';
import { answerSpread, seededRandom } from '@slipway/metrics/noise';
import { endWithParent } from '../inspect/end-with-parent.js';
import { disturbInputs } from '../instance/noise/disturb-inputs.js';
import { probedAnswer } from '../instance/noise/probed-answer.js';
import { predictedRows } from '../instance/predicted-rows.js';
import { ColumnCollector } from './column-collector.js';
import { encodeFrame, type RunReply, readFrames } from './run-frames.js';
import { RunRequest, RunSpec } from './run-spec.js';

// Before the runtime starts its threads, which inherit it: an evaluation steps back behind models that serve.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
endWithParent();

/** The process of an evaluation's model: loads it, and answers requests on standard input, one after the other, until that ends. */
const spec = RunSpec.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
process.title = `slipway evaluate ${spec.digest.slice(0, 12)}`;
const session = load();
const { task, signature } = spec;
const collector = spec.layout === undefined ? undefined : new ColumnCollector(spec.layout, signature, task);
const wanted = signature.outputs
  .map((output) => output.name)
  .filter((name) => collector !== undefined || name === task.predictionOutput || name === task.scoreOutput);
for await (const { head, body } of readFrames(process.stdin)) answer(RunRequest.parse(head), body);
// The runtime's own threads may be in no state to end in order.
process.exit(0);

function load(): RuntimeSession {
  try {
    const options = { intraOpThreads: spec.intraOpThreads, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' as const };
    const loaded = new RuntimeSession(spec.modelPath, options);
    reply({ kind: 'loaded' });
    return loaded;
  } catch (error) {
    reply({ kind: 'refused', reason: cleanRuntimeMessage(error) });
    return process.exit(0);
  }
}

function answer({ headerBytes, rows, noise }: RunRequest, body: Buffer): void {
  try {
    const { inputs } = decodeRequest(body, { inferenceHeaderContentLength: headerBytes }, signature, defaultInstanceLimits);
    if (noise !== undefined) {
      reply({ kind: 'measured', ...measure(inputs, noise) });
      return;
    }
    const startedAt = performance.now();
    const outputs = run(inputs);
    const runMs = performance.now() - startedAt;
    const { p } = predictedRows(task, outputs, rows);
    const scores = scoresOf(outputs, rows);
    const columns = scores === undefined ? 0 : scores.length / rows;
    const predictions = p === undefined ? new Array<null>(rows).fill(null) : [...p];
    const head = {
      kind: 'answered' as const,
      predictions,
      scores: columns,
      scoreBytes: scores instanceof Float32Array ? (4 as const) : (8 as const),
      runMs,
    };
    const columnsOfRows = collector?.take(inputs, outputs);
    if (columnsOfRows === undefined) reply(head, scores);
    else reply({ ...head, columns: { numbers: columnsOfRows.width, texts: columnsOfRows.texts } }, scores, columnsOfRows.numbers);
  } catch (error) {
    reply({ kind: 'failed', reason: messageOf(error) });
  }
}

function measure(inputs: readonly Tensor[], { repeats, disturbed, spreads, seed }: NonNullable<RunRequest['noise']>) {
  const random = seededRandom(seed);
  const moved = spreads === undefined ? undefined : new Map(Object.entries(spreads));
  const answers = (count: number, given: () => readonly Tensor[]) => Array.from({ length: count }, () => probedAnswer(task, run(given())));
  return {
    repeat: answerSpread(answers(repeats, () => inputs)),
    ...(moved === undefined ? {} : { jitter: answerSpread(answers(disturbed, () => disturbInputs(inputs, moved, random))) }),
  };
}

function run(inputs: readonly Tensor[]): Tensor[] {
  try {
    return session.run(inputs, wanted);
  } catch (error) {
    throw toRunError(error);
  }
}

/** All scores row by row, as exact as the model gives them; undefined where they do not divide into rows. */
function scoresOf(outputs: readonly Tensor[], rows: number): Float32Array | Float64Array | undefined {
  const scores = outputs.find((output) => output.name === task.scoreOutput);
  if (scores === undefined || elementCount(scores.shape) % rows !== 0 || elementCount(scores.shape) === 0) return undefined;
  const { data } = scores;
  if (data instanceof Float32Array) return data;
  const numbers = Array.from(data, Number);
  return scores.datatype === 'FP16' ? Float32Array.from(numbers, fromFloat16) : Float64Array.from(numbers);
}

function reply(head: RunReply, ...bodies: readonly (Float32Array | Float64Array | undefined)[]): void {
  const bytes = bodies.map((body) => (body === undefined ? Buffer.alloc(0) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)));
  const [only] = bytes;
  for (const piece of encodeFrame(head, only !== undefined && bytes.length === 1 ? only : Buffer.concat(bytes)))
    for (let written = 0; written < piece.length; ) written += writePiece(piece, written);
}

/** A pipe that is full says so; its reader is at work. */
function writePiece(piece: Buffer, from: number): number {
  try {
    return writeSync(1, piece, from);
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'EAGAIN') return 0;
    throw error;
  }
}
