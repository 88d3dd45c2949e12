import { type RuntimeSession, type Tensor, toRunError } from '@slipway/inference';
import type { Engine, RunResult } from './engine.js';
import { Watchdog } from './watchdog.js';

/** Runs the model in the thread that asks: for models whose runs are shorter than the way to another thread. */
export class InlineEngine implements Engine {
  readonly isInline = true;
  private readonly watchdog = new Watchdog();

  constructor(private readonly session: RuntimeSession) {}

  run(inputs: readonly Tensor[], names: readonly string[], limitAt: number, done: (result: RunResult) => void): void {
    this.watchdog.arm(limitAt);
    const startedAt = performance.now();
    let result: RunResult;
    try {
      const outputs = this.session.run(inputs, names);
      result = { outputs, computeMicros: Math.round((performance.now() - startedAt) * 1e3) };
    } catch (error) {
      result = { error: toRunError(error) };
    }
    this.watchdog.disarm();
    done(result);
  }
}
