import type { Logger } from '@slipway/platform';

/** Well within the time that a claim counts. */
const everyMs = 3_000;

/** The claim was taken by another worker, or the job is over: whatever is under way for it is worth nothing any more. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** A claim by its fencing token, and who can make it last. */
export interface Claim {
  readonly id: string;
  readonly attempt: number;
}
export interface ClaimRenewal {
  renew(claim: Claim, waitingFor: string | undefined): Promise<boolean>;
}

/** Keeps a claim while its work goes on, and ends the work when it is lost. */
export class ClaimKeeper {
  /** Why the work stands still; undefined while it goes on. */
  waitingFor: string | undefined;
  private readonly lost = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private renewing = false;

  constructor(
    private readonly runs: ClaimRenewal,
    private readonly claim: Claim,
    private readonly log: Logger,
  ) {
    this.timer = setInterval(() => void this.renew(), everyMs);
  }

  /** Aborts with `ClaimLost`. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Says that a guarded write found the claim gone. */
  giveUp(): never {
    const reason = new ClaimLost('the claim is gone');
    this.lost.abort(reason);
    throw reason;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** While the database is away the claim may lapse; the next write to it will tell. */
  private async renew(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    try {
      if (!(await this.runs.renew(this.claim, this.waitingFor))) this.lost.abort(new ClaimLost('the claim is gone'));
    } catch (error) {
      this.log.warn({ err: error, jobId: this.claim.id }, 'claim not renewed');
    } finally {
      this.renewing = false;
    }
  }
}
