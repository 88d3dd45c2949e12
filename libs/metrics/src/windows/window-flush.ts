import type { Logger } from '@slipway/platform';

/** Something that keeps windows until they are written. */
export interface WindowSource<Window> {
  takeDirty(): Window[];
  acknowledge(written: readonly Window[]): void;
}

/** Writes what changed every `everyMs`. While the database is away the windows stay in memory (bounded by their source) and are written later. */
export class WindowFlush<Window> {
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly source: WindowSource<Window>,
    private readonly write: (windows: readonly Window[]) => Promise<void>,
    private readonly log: Logger,
    everyMs = 2_000,
  ) {
    this.timer = setInterval(() => void this.flush(), everyMs);
    this.timer.unref();
  }

  /** Writes now; one write at a time. Never throws: a failure is logged once and tried again at the next turn. */
  flush(): Promise<void> {
    this.running ??= this.writeDirty().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Ends the timer and writes a last time. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
    await this.flush();
  }

  private async writeDirty(): Promise<void> {
    const windows = this.source.takeDirty();
    if (windows.length === 0) return;
    try {
      await this.write(windows);
      this.source.acknowledge(windows);
      if (this.failing) this.log.info({ windows: windows.length }, 'windows written again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.log.warn({ err: error, windows: windows.length }, 'windows not written, kept in memory');
      this.failing = true;
    }
  }
}
