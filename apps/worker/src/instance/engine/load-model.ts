import { writeSync } from 'node:fs';
import { openSession, type RuntimeSession } from '@slipway/inference';
import type { EnginePlan, WarmUp } from './engine.js';
import { warmUp } from './warm-up.js';
import { warmUpBegins } from './warm-up-begins.js';

export interface LoadedModel {
  readonly session: RuntimeSession;
  readonly warmUp: WarmUp;
}

/** Loads and warms a model in this thread. Blocks. @throws SlipwayError ARTEFACT_REFUSED when it cannot be loaded */
export function loadModel(plan: EnginePlan): LoadedModel {
  const { session, provider, note } = openSession(plan.modelPath, plan.session);
  tellWarmUp();
  const costs = warmUp((inputs, names) => session.run(inputs, names), plan.warmUp);
  return { session, warmUp: { provider, ...(note === undefined ? {} : { providerNote: note }), costs } };
}

/** Written at once and past everything else: a run that ends the process leaves no time for more. */
function tellWarmUp(): void {
  try {
    writeSync(2, `${warmUpBegins}\n`);
  } catch {
    // Nobody listens, or the disk is full; the model can serve all the same.
  }
}
