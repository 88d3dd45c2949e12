import type { SlipwayError } from '@slipway/contracts';
import type { SessionOptions, Tensor } from '@slipway/inference';
import type { MeasuredCosts, WarmUpPlan } from './warm-up.js';

/** What ends a run: outputs in the order asked for, or why there are none. */
export type RunResult = { readonly outputs: readonly Tensor[]; readonly computeMicros: number } | { readonly error: SlipwayError };

/** What loading and warming up have shown. */
export interface WarmUp {
  /** What runs the model. */
  readonly provider: string;
  /** Why it is not what was wished first. */
  readonly providerNote?: string;
  /** Empty when the model does not take generated inputs. */
  readonly costs: MeasuredCosts;
}

/** Where a model is loaded and run. One run at a time. */
export interface Engine {
  /** Whether a run blocks the thread that asks for it; then `done` is called before `run` returns. */
  readonly isInline: boolean;
  /**
   * Runs the model.
   * @param limitAt when nobody waits for the answer any more and the run counts as hung, ms since this thread's time origin: the process then ends.
   */
  run(inputs: readonly Tensor[], names: readonly string[], limitAt: number, done: (result: RunResult) => void): void;
}

/** What an engine is made of; travels to another thread. */
export interface EnginePlan {
  readonly modelPath: string;
  readonly session: SessionOptions;
  readonly warmUp: WarmUpPlan;
}
