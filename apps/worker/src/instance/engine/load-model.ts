import { openSession, type RuntimeSession } from '@slipway/inference';
import type { EnginePlan, WarmUp } from './engine.js';
import { warmUp } from './warm-up.js';

export interface LoadedModel {
  readonly session: RuntimeSession;
  readonly warmUp: WarmUp;
}

/** Loads and warms a model in this thread. Blocks. @throws SlipwayError ARTEFACT_REFUSED when it cannot be loaded */
export function loadModel(plan: EnginePlan): LoadedModel {
  const { session, provider, note } = openSession(plan.modelPath, plan.session);
  const costs = warmUp((inputs, names) => session.run(inputs, names), plan.warmUp);
  return { session, warmUp: { provider, ...(note === undefined ? {} : { providerNote: note }), costs } };
}
