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
 * Loads and warms a model where its runs belong. It is always tried in a thread first, so that this one stays reachable while it loads, unless
 * the validation has measured that it is quick: then it is quick to load as well. Decided by the warm-up, not by that measurement.
 * @param knownMicros time of one run as measured earlier; undefined when it was not.
 * @throws SlipwayError when the model cannot be loaded
 */
export async function startEngine(plan: EnginePlan, knownMicros: number | undefined): Promise<StartedEngine> {
  if (knownMicros !== undefined && knownMicros < inlineBelowMicros) {
    const { session, warmUp } = loadModel(plan);
    if (isQuick(warmUp)) return { engine: new InlineEngine(session), warmUp };
    session.release();
  }
  const engine = await ThreadEngine.load(plan);
  return { engine, warmUp: engine.warmUp };
}

/** A model that takes no generated inputs is taken at the word of the earlier measurement. */
function isQuick({ costs }: WarmUp): boolean {
  const one = costs[0];
  return one === undefined || one.micros < 2 * inlineBelowMicros;
}
