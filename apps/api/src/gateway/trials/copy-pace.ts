/**
 * How many copies may be made, by number and by the time they take of the model: at most so many a second and such a share of one core, each with
 * up to one second's worth at once.
 */
export class CopyPace {
  private copies = 1;
  private micros: number;
  private filledAtMs: number | undefined;

  /** @param perSecond copies; infinite: as many as there are requests. @param share of the time of one core, 0 to 1. */
  constructor(
    private readonly perSecond: number,
    private readonly share: number,
  ) {
    this.micros = share * 1e6;
  }

  /** Whether one more may be made now. @param nowMs monotonic. */
  take(nowMs: number): boolean {
    const seconds = this.filledAtMs === undefined ? 0 : (nowMs - this.filledAtMs) / 1e3;
    this.filledAtMs = nowMs;
    this.copies = Math.min(Math.max(1, this.perSecond), this.copies + seconds * this.perSecond);
    this.micros = Math.min(this.share * 1e6, this.micros + seconds * this.share * 1e6);
    if (this.copies < 1 || this.micros <= 0 || this.perSecond <= 0) return false;
    if (this.perSecond !== Number.POSITIVE_INFINITY) this.copies -= 1;
    return true;
  }

  /** A copy took so much of the model's time. */
  spend(micros: number): void {
    this.micros -= micros;
  }
}
