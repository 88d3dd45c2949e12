import type { Engine, EnginePlan, WarmUp } from './engine.js';
import { InlineEngine } from './inline-engine.js';
import { loadModel } from './load-model.js';
import { ThreadEngine } from './thread-engine.js';

/**
 * Runs shorter than this are made in line: the way to another thread and back takes some 50 µs of both threads' time, and what a thread
 * gains, the decoding of the next request meanwhile, is less than that for short runs.
 */
const inlineBelowMicros = 1_000;

export interface StartedEngine {
  readonly engine: Engine;
  readonly warmUp: WarmUp;
}

/**
 * Loads and warms a model where its runs belong, which the warm-up decides. Where it is tried first follows from what the validation has
 * measured; without that in a thread, so that this one stays reachable however long loading takes.
 * @param knownMicros time of one run as measured earlier; undefined when it was not.
 * @throws SlipwayError when the model cannot be loaded
 */
export async function startEngine(plan: EnginePlan, knownMicros: number | undefined): Promise<StartedEngine> {
  if (knownMicros !== undefined && knownMicros < inlineBelowMicros) {
    const inline = loadInline(plan);
    if (inline !== undefined) return inline;
  }
  const engine = await ThreadEngine.load(plan);
  const one = engine.warmUp.costs[0];
  if (knownMicros === undefined && one !== undefined && one.micros < inlineBelowMicros) {
    const inline = loadInline(plan);
    if (inline !== undefined) {
      await engine.close();
      return inline;
    }
  }
  return { engine, warmUp: engine.warmUp };
}

/** Undefined when the warm-up finds that the model is not quick after all; a model that takes no generated inputs is taken to be. */
function loadInline(plan: EnginePlan): StartedEngine | undefined {
  const { session, warmUp } = loadModel(plan);
  const one = warmUp.costs[0];
  if (one === undefined || one.micros < 2 * inlineBelowMicros) return { engine: new InlineEngine(session), warmUp };
  session.release();
  return undefined;
}
