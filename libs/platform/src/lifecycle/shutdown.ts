import type { Logger } from '../logging/logger.js';

/** The list of what a process must close, run once, last in first out. Whoever opens a thing adds it. */
export class Shutdown {
  private readonly steps: { name: string; close: () => Promise<unknown> | unknown }[] = [];
  private readonly beginnings: (() => void)[] = [];
  private running: Promise<void> | undefined;

  constructor(private readonly log: Logger) {}

  add(name: string, close: () => Promise<unknown> | unknown): void {
    this.steps.push({ name, close });
  }

  /** Starts something at the very beginning, beside the steps: for what takes its time. A step of its own waits for it. */
  begin(start: () => void): void {
    this.beginnings.push(start);
  }

  /** Runs every step; one that fails is logged and does not stop the others. */
  run(): Promise<void> {
    this.running ??= this.runSteps();
    return this.running;
  }

  /** Runs on SIGTERM, SIGINT, or when the parent process is gone; then exits. The process ends after `limitMs` whatever happens. */
  onSignals(limitMs = 28_000): void {
    const leave = (why: string) => {
      if (this.running !== undefined) return;
      this.log.info({ why }, 'shutting down');
      setTimeout(() => process.exit(1), limitMs).unref();
      void this.run().then(() => process.exit(0));
    };
    process.on('SIGTERM', () => leave('SIGTERM'));
    process.on('SIGINT', () => leave('SIGINT'));
    if (process.channel !== undefined) process.on('disconnect', () => leave('parent gone'));
  }

  private async runSteps(): Promise<void> {
    for (const start of this.beginnings) start();
    for (const step of this.steps.reverse()) {
      try {
        await step.close();
      } catch (error) {
        this.log.warn({ err: error, step: step.name }, 'shutdown step failed');
      }
    }
  }
}
