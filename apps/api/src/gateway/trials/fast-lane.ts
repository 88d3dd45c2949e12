import type { FastLane as Limits, Outcome } from '@slipway/contracts';

/** Why a gateway takes a candidate out of its split, without waiting for a test. */
export interface Fault {
  readonly cause: 'CANDIDATE_CRASHED' | 'CONSECUTIVE_ERRORS' | 'HARD_ERROR_SHARE';
  /** One sentence with the numbers. */
  readonly detail: string;
}

export type TrialSide = 'stable' | 'candidate';

/** Answers that the error share is taken over: the latest ones, so that a candidate which breaks late is caught as soon as one that breaks early. */
const recentMin = 50;

/** Failures of the service, not of its caller, nor for want of room. */
const errors: ReadonlySet<Outcome> = new Set<Outcome>(['runtime_error', 'dependency_error', 'deadline_exceeded', 'unavailable']);
/** What tells nothing of a model; and requests lost with a process, which is one crash however many it had. */
const neutral: ReadonlySet<Outcome> = new Set<Outcome>(['instance_crashed', 'cancelled', 'invalid_input', 'rejected_quota', 'rejected_queue_full']);

/**
 * Watches the candidate of one rollout from this gateway's own counters. A fault that hits stable just as well is not blamed on the candidate:
 * its guards have the word then.
 */
export class FastLane {
  private readonly sides: Readonly<Record<TrialSide, Side>>;

  constructor(private readonly limits: Limits) {
    const recent = Math.max(recentMin, limits.hardMinRequests, limits.consecutiveErrors);
    this.sides = { stable: new Side(recent), candidate: new Side(recent) };
  }

  /**
   * Notes how a request ended.
   * @param hadTime false where an instance had it for too short to answer; a deadline is its caller's impatience then
   * @returns the fault that this makes whole.
   */
  note(side: TrialSide, outcome: Outcome, hadTime = true): Fault | undefined {
    if (neutral.has(outcome) || (outcome === 'deadline_exceeded' && !hadTime)) return undefined;
    this.sides[side].note(errors.has(outcome));
    return side === 'candidate' ? (this.judgeRow() ?? this.judgeShare()) : undefined;
  }

  /** Notes that a process of a side ended while it served. */
  crashed(side: TrialSide): Fault | undefined {
    this.sides[side].crashes += 1;
    const { candidate, stable } = this.sides;
    if (side === 'stable' || candidate.crashes < this.limits.crashes || stable.crashes >= candidate.crashes) return undefined;
    return { cause: 'CANDIDATE_CRASHED', detail: `processes of the candidate ended ${candidate.crashes} times while they served` };
  }

  private judgeRow(): Fault | undefined {
    const { candidate, stable } = this.sides;
    const { consecutiveErrors } = this.limits;
    if (candidate.errorsInRow < consecutiveErrors || stable.errorsInRow >= consecutiveErrors) return undefined;
    return { cause: 'CONSECUTIVE_ERRORS', detail: `the candidate failed on ${candidate.errorsInRow} requests in a row` };
  }

  private judgeShare(): Fault | undefined {
    const { candidate, stable } = this.sides;
    const { hardErrorShare, hardMinRequests } = this.limits;
    if (candidate.count < hardMinRequests || !(candidate.errorShare > hardErrorShare) || stable.errorShare > hardErrorShare / 2) return undefined;
    const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;
    return {
      cause: 'HARD_ERROR_SHARE',
      detail: `the candidate failed on ${percent(candidate.errorShare)} of its last ${candidate.count} requests; the hard limit is ${percent(hardErrorShare)}`,
    };
  }
}

/** The latest ends of requests of one side, in a ring. */
class Side {
  crashes = 0;
  errorsInRow = 0;
  private readonly ring: Uint8Array;
  private next = 0;
  private errors = 0;
  count = 0;

  constructor(size: number) {
    this.ring = new Uint8Array(size);
  }

  get errorShare(): number {
    return this.count === 0 ? 0 : this.errors / this.count;
  }

  note(isError: boolean): void {
    const { ring } = this;
    if (this.count === ring.length) this.errors -= ring[this.next] ?? 0;
    else this.count += 1;
    ring[this.next] = isError ? 1 : 0;
    this.next = (this.next + 1) % ring.length;
    this.errors += isError ? 1 : 0;
    this.errorsInRow = isError ? this.errorsInRow + 1 : 0;
  }
}
