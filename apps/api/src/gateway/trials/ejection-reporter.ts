import type { Fault } from './fast-lane.js';

export type ReportEjection = (rolloutId: string, ejection: Fault & { readonly at: Date }) => Promise<unknown>;

/** Reports that wait for the database; more candidates than this are never on trial at once. */
export const reportsMax = 1_000;

/** Tells that this gateway has taken candidates back, again and again until it is written down. The split does not wait for it. */
export class EjectionReporter {
  private readonly pending = new Map<string, Fault & { readonly at: Date }>();
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly report: ReportEjection,
    private readonly everyMs = 500,
  ) {}

  get waiting(): number {
    return this.pending.size;
  }

  add(rolloutId: string, fault: Fault): void {
    if (this.isClosed || this.pending.has(rolloutId) || this.pending.size >= reportsMax) return;
    this.pending.set(rolloutId, { ...fault, at: new Date() });
    this.tryAll();
  }

  /** Resolves when the last attempt is over; what is not written then stays unwritten. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private tryAll(): void {
    this.running ??= this.reportAll().finally(() => {
      this.running = undefined;
      if (this.pending.size === 0 || this.isClosed) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tryAll(), this.everyMs);
      this.timer.unref();
    });
  }

  private async reportAll(): Promise<void> {
    for (const [rolloutId, ejection] of [...this.pending]) {
      try {
        await this.report(rolloutId, ejection);
        this.pending.delete(rolloutId);
      } catch {
        // The database is away: the next turn tries again. Should it be this one alone that cannot be written, the others have their turn first.
        if (this.pending.delete(rolloutId)) this.pending.set(rolloutId, ejection);
        return;
      }
    }
  }
}
