/** Runs that may be saved up; a probe that costs more is never made. */
export const savedRunsMax = 32;
/** Time between two probes of a deployment, in ms: beyond it more of them say little more. */
const spacingMs = 1_000;

/**
 * How many runs may be spent on measuring a deployment: a share of the requests that it has served, saved up before it is spent, so that the share
 * is kept to from the first request on.
 */
export class ProbePace {
  private runs = 0;
  private notBeforeMs = 0;

  /** A request was served. @param percent the share that may be spent on it, 0 to 1 */
  earn(percent: number): void {
    this.runs = Math.min(savedRunsMax, this.runs + Math.min(1, Math.max(0, percent)) / 100);
  }

  /** Whether a probe of so many runs may be made now; it is paid for by that. @param nowMs monotonic */
  take(runs: number, nowMs: number): boolean {
    if (this.runs < runs || nowMs < this.notBeforeMs) return false;
    this.runs -= runs;
    this.notBeforeMs = nowMs + spacingMs;
    return true;
  }

  /** Whether `take` would allow it. */
  affords(runs: number, nowMs: number): boolean {
    return this.runs >= runs && nowMs >= this.notBeforeMs;
  }

  /** Pays for runs that are not spaced; false where they are not saved up. */
  pay(runs: number): boolean {
    if (this.runs < runs) return false;
    this.runs -= runs;
    return true;
  }
}
