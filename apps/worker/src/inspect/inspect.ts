import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isExternalFileName, type Signature, SlipwayError, type Task } from '@slipway/contracts';
import {
  canaryInputs,
  cleanRuntimeMessage,
  type DataFiles,
  guessTask,
  type InspectResult,
  type InspectSpec,
  RuntimeSession,
  scanOnnx,
  type Tensor,
  toSignature,
} from '@slipway/inference';
import { affordableTrials, timedRuns } from './affordable-trials.js';
import { measureLatencies } from './measure-latencies.js';
import { measureRepeats, noteOfRepeats } from './measure-repeats.js';
import { rowsAgree } from './rows-agree.js';

/**
 * Loads a model, reads its signature, runs it on generated inputs and measures what that costs. A run that fails is noted and
 * no reason to refuse the model: only its callers know which inputs make sense. Blocks while the runtime works.
 * @param onLoaded called between loading and running
 */
export async function inspect(spec: InspectSpec, onLoaded: () => void): Promise<InspectResult> {
  try {
    const facts = await scanOnnx(spec.modelPath, await dataFilesOf(spec.modelPath));
    const startedAt = performance.now();
    const session = new RuntimeSession(spec.modelPath, {
      intraOpThreads: spec.intraOpThreads,
      interOpThreads: 1,
      executionProviders: ['cpu'],
      graphOptimization: 'all',
    });
    const loadMs = performance.now() - startedAt;
    onLoaded();
    const { signature, notes } = toSignature(session, facts);
    const task = guessTask(signature, facts);
    const trial = tryRuns(session, signature, task);
    // Before larger batches are tried, which an instance may never get.
    const rssBytes = process.memoryUsage.rss();
    const noise = measureRepeats((inputs, names) => session.run(inputs, names), { signature, task, runMs: trial.runMs });
    const measured = noise === undefined ? {} : { noise };
    const footprint = { loadMs: round(loadMs), runMs: trial.runMs, rssBytes, latencies: latenciesOf(session, signature, trial), ...measured };
    const said = noteOfRepeats(noise);
    const independent = trial.rowsIndependent === undefined ? {} : { rowsIndependent: trial.rowsIndependent };
    return { ok: true, signature, task, footprint, notes: [...notes, ...trial.notes, ...(said === undefined ? [] : [said])], ...independent };
  } catch (error) {
    if (error instanceof SlipwayError) return { ok: false, reasons: [sentence(error.message)] };
    return { ok: false, reasons: [sentence(cleanRuntimeMessage(error))] };
  }
}

/** What lies beside the model in its folder, which is its own. */
async function dataFilesOf(modelPath: string): Promise<DataFiles> {
  const folder = dirname(modelPath);
  const names = (await readdir(folder)).filter(isExternalFileName);
  return new Map(await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).size] as const)));
}

interface Trial {
  readonly runMs: number | null;
  readonly rowsIndependent?: boolean;
  readonly notes: readonly string[];
}

function latenciesOf(session: RuntimeSession, signature: Signature, trial: Trial) {
  if (trial.runMs === null) return [];
  const names = signature.outputs.map((output) => output.name);
  const trialled = { oneRowMs: trial.runMs, rowsIndependent: trial.rowsIndependent === true };
  try {
    return measureLatencies((inputs) => session.run(inputs, names), signature, trialled);
  } catch {
    // Zeros in larger numbers may be nothing that this model takes; one row was, and its time is known.
    return [{ rows: 1, medianMs: trial.runMs }];
  }
}

function tryRuns(session: RuntimeSession, signature: Signature, task: Task): Trial {
  const names = signature.outputs.map((output) => output.name);
  try {
    const inputs = canaryInputs(signature);
    const firstMs = timeOf(() => session.run(inputs, names));
    const afford = affordableTrials(firstMs);
    const runMs = afford.timing ? timeOf(() => repeat(timedRuns, () => session.run(inputs, names))) / timedRuns : firstMs;
    const rows = afford.rows ? tryRows((given) => session.run(given, names), signature, task) : {};
    return { runMs: round(runMs), notes: [], ...rows };
  } catch (error) {
    return { runMs: null, notes: [`A run on generated inputs (zeros, open dimensions 1) failed: ${sentence(cleanRuntimeMessage(error))}`] };
  }
}

/** Whether rows may be joined into one run: two different rows together must get what each gets alone. */
function tryRows(run: (inputs: readonly Tensor[]) => Tensor[], signature: Signature, task: Task): { rowsIndependent?: boolean } {
  if (task.rowAxis !== 0 || signature.inputs.some((input) => input.shape[0] !== -1)) return {};
  try {
    return { rowsIndependent: rowsAgree(run, signature) };
  } catch {
    return { rowsIndependent: false };
  }
}

function timeOf(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function repeat(times: number, work: () => void): void {
  for (let time = 0; time < times; time++) work();
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase();
  return /[.!?…]$/.test(text) ? first + text.slice(1) : `${first}${text.slice(1)}.`;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
