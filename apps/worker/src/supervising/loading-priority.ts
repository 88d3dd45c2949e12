import { isStarved } from './is-starved.js';
import { processorTimes, setLoadingPriority } from './process-table.js';
import type { Timers } from './timers.js';

/** When the system wants to be asked again about a priority. */
const retryMs = 120;
const starvationCheckMs = 500;

/** Keeps a process behind others while it loads, unless it would starve there. */
export class LoadingPriority {
  private isBehind = false;

  constructor(
    private readonly pid: number,
    private readonly timers: Timers,
  ) {}

  /** Puts it behind those that serve. */
  begin(): void {
    this.set(true);
    const check = this.timers.every(starvationCheckMs, () => {
      const times = processorTimes(this.pid);
      if (!this.isBehind || times === undefined || !isStarved(times)) return;
      this.timers.cancel(check);
      this.end();
    });
  }

  /** Puts it back among them. */
  end(): void {
    this.set(false);
  }

  private set(isBehind: boolean): void {
    this.isBehind = isBehind;
    if (setLoadingPriority(this.pid, isBehind)) return;
    this.timers.after(retryMs, () => {
      if (this.isBehind === isBehind) this.set(isBehind);
    });
  }
}
