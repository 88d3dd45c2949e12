import { type Channel, isDatabaseUnavailable, type Logger, type Nudges } from '@slipway/platform';

/**
 * Runs something now, on every nudge and at least every so often, never twice at a time. Nudges that come while it runs lead to one more run.
 * A run that throws is tried again at the next occasion.
 */
export class Repeater {
  private isRunning = false;
  private again = false;
  private isClosed = false;
  private idle: Promise<void> = Promise.resolve();
  private readonly stops: (() => void)[] = [];

  constructor(
    private readonly name: string,
    private readonly run: () => Promise<unknown>,
    private readonly log: Logger,
  ) {}

  start(options: { readonly everyMs: number; readonly nudges?: { readonly from: Nudges; readonly on: readonly Channel[] } }): void {
    const timer = setInterval(() => this.poke(), options.everyMs);
    this.stops.push(() => clearInterval(timer));
    for (const channel of options.nudges?.on ?? []) {
      const stop = options.nudges?.from.on(channel, () => this.poke());
      if (stop !== undefined) this.stops.push(stop);
    }
    this.poke();
  }

  /** Asks for a run. */
  poke(): void {
    if (this.isClosed) return;
    if (this.isRunning) {
      this.again = true;
      return;
    }
    this.isRunning = true;
    this.idle = this.runUntilQuiet();
  }

  /** Ends it; a run that is under way is waited for. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    await this.idle;
  }

  private async runUntilQuiet(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.run();
      } catch (error) {
        if (isDatabaseUnavailable(error)) this.log.debug({ err: error, loop: this.name }, 'loop waits for the database');
        else this.log.warn({ err: error, loop: this.name }, 'loop failed');
      }
    } while (this.again && !this.isClosed);
    this.isRunning = false;
  }
}
