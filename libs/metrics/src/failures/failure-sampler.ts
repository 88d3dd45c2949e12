import type { Outcome } from '@slipway/contracts';
import { PendingRows } from './pending-rows.js';

/** A request that failed. */
export interface FailedRequest {
  readonly predictionId: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionNumber: number;
  readonly reason: Exclude<Outcome, 'success'>;
  /** The error that the caller got; undefined where an answer went out. */
  readonly code: string | undefined;
  readonly message: string | undefined;
}

export interface KeptFailure extends Omit<FailedRequest, 'code' | 'message'> {
  readonly atMs: number;
  readonly code: string | null;
  readonly message: string | null;
}

/** Kept per minute, deployment and reason; all are counted elsewhere. */
export const samplesPerMinute = 5;
/** Wait for the database: the newest of them. */
const pendingMax = 2_000;
const messageLength = 400;
const minuteMs = 60_000;

/**
 * Keeps the first few failures of each minute, deployment and reason. What a message about wrong inputs says may repeat them, so only its
 * code is kept. Not on the way of requests that succeed.
 */
export class FailureSampler extends PendingRows<KeptFailure> {
  private minute = 0;
  private kept = new Map<string, number>();

  constructor(private readonly now: () => number = Date.now) {
    super(pendingMax);
  }

  offer(failed: FailedRequest): void {
    const atMs = this.now();
    const minute = Math.floor(atMs / minuteMs);
    if (minute !== this.minute) {
      this.minute = minute;
      this.kept = new Map();
    }
    const key = `${failed.deploymentId} ${failed.reason}`;
    const count = this.kept.get(key) ?? 0;
    if (count >= samplesPerMinute) return;
    this.kept.set(key, count + 1);
    const message = failed.reason === 'invalid_input' ? undefined : failed.message;
    this.add({ ...failed, atMs, code: failed.code ?? null, message: message?.replaceAll('\0', '\uFFFD').slice(0, messageLength) ?? null });
  }
}
