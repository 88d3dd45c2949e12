import type { ClaimedReplay, ReplayRunStore } from '@slipway/metrics';
import type { Logger } from '@slipway/platform';

/** Well within the time that a claim counts; also how soon a cancelled replay is noticed. */
const everyMs = 1_000;

/** The claim was taken by another worker, or the replay is over: whatever is under way for it is worth nothing any more. */
export class ReplayClaimLost extends Error {
  override readonly name = 'ReplayClaimLost';
}

/** Keeps a claim while its work goes on, and ends the work when it is lost. */
export class ReplayClaim {
  /** Why the work stands still; undefined while it goes on. */
  waitingFor: string | undefined;
  private readonly lost = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private isRenewing = false;

  constructor(
    private readonly runs: Pick<ReplayRunStore, 'renew'>,
    private readonly replay: Pick<ClaimedReplay, 'id' | 'attempt'>,
    private readonly log: Logger,
  ) {
    this.timer = setInterval(() => void this.renew(), everyMs);
  }

  /** Aborts with `ReplayClaimLost`. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Says that a guarded write found the claim gone. */
  giveUp(): never {
    const reason = new ReplayClaimLost('the claim is gone');
    this.lost.abort(reason);
    throw reason;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** While the database is away the claim may lapse; the next write to it will tell. */
  private async renew(): Promise<void> {
    if (this.isRenewing) return;
    this.isRenewing = true;
    try {
      if (!(await this.runs.renew(this.replay, this.waitingFor))) this.lost.abort(new ReplayClaimLost('the claim is gone'));
    } catch (error) {
      this.log.warn({ err: error, jobId: this.replay.id }, 'claim not renewed');
    } finally {
      this.isRenewing = false;
    }
  }
}
