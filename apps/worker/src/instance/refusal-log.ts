/** At most one line in this time, whoever knocks how often. */
const lineEveryMs = 10_000;

/** Tells who was not let in, within bounds: somebody who tries all the time must not fill the disk. */
export class RefusalLog {
  private toldAt = Number.NEGATIVE_INFINITY;
  private untold = 0;

  constructor(
    private readonly write: (line: string) => unknown,
    private readonly now: () => number = () => performance.now(),
  ) {}

  note(from: string, reason: string): void {
    const now = this.now();
    if (now - this.toldAt < lineEveryMs) {
      this.untold += 1;
      return;
    }
    this.write(JSON.stringify({ level: 'warn', msg: 'connection refused', from, reason, ...(this.untold === 0 ? {} : { untold: this.untold }) }));
    this.toldAt = now;
    this.untold = 0;
  }
}
