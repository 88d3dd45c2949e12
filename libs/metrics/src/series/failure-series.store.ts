import {
  callerOutcomes,
  type FailurePoint,
  type FailureReason,
  type FailureSeries,
  failureReasons,
  type InstanceFailureReason,
  instanceFailureReasons,
  outcomes,
} from '@slipway/contracts';
import { FailureStore, type InstanceFailureCount } from '../failures/failure.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { errorShare } from './error-share.js';
import { iso, type SeriesFrame, stepsOf } from './series-frame.js';
import { ServingSeriesStore, type ServingStep } from './serving-series.store.js';

const shownMax = 100;

interface Step {
  readonly valid: number;
  readonly errors: number;
  readonly reasons: Readonly<Partial<Record<FailureReason, number>>>;
  readonly instanceReasons: Readonly<Partial<Record<InstanceFailureReason, number>>>;
}

/** What went wrong, from the windows of serving and the ends of instances. */
export class FailureSeriesStore {
  private readonly serving: ServingSeriesStore;
  private readonly failures: FailureStore;

  constructor(db: Queryable) {
    this.serving = new ServingSeriesStore(db);
    this.failures = new FailureStore(db);
  }

  /** Requests lost with an instance count once as such; the end of the instance itself is counted apart. */
  async series(query: {
    deploymentId: string;
    frame: SeriesFrame;
    version?: number | undefined;
    nowMs: number;
  }): Promise<Omit<FailureSeries, 'judgements'>> {
    const { frame, deploymentId, version } = query;
    const span = { deploymentId, version, fromMs: frame.fromMs, toMs: frame.toMs };
    const [served, ended, instanceFailures, samples] = await Promise.all([
      this.serving.steps({ deploymentId, frame, version }),
      this.failures.instanceSteps(span, frame.stepSeconds),
      this.failures.instances(span, shownMax),
      this.failures.samples(span, shownMax),
    ]);
    const total = stepsOf(frame, query.nowMs).map((atMs) =>
      pointOf(
        atMs,
        stepOf(
          served.filter((step) => step.atMs === atMs),
          ended.filter((step) => step.atMs === atMs),
        ),
      ),
    );
    const whole = stepOf(served, ended);
    return {
      from: iso(frame.fromMs),
      to: iso(frame.toMs),
      stepSeconds: frame.stepSeconds,
      total,
      reasons: ranked(failureReasons, whole.reasons).map(({ reason, count }) => ({
        reason,
        count,
        ratio: whole.valid === 0 ? null : count / whole.valid,
        isService: isService(reason),
      })),
      instanceReasons: ranked(instanceFailureReasons, whole.instanceReasons),
      instanceFailures,
      samples,
    };
  }
}

/** Those that occurred, the most frequent first. */
function ranked<Reason extends string>(
  reasons: readonly Reason[],
  counts: Readonly<Partial<Record<Reason, number>>>,
): { reason: Reason; count: number }[] {
  return reasons
    .map((reason) => ({ reason, count: counts[reason] ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

function isService(reason: FailureReason): boolean {
  return !callerOutcomes.some((outcome) => outcome === reason);
}

function stepOf(served: readonly ServingStep[], ended: readonly InstanceFailureCount[]): Step {
  const reasons: Partial<Record<FailureReason, number>> = {};
  const instanceReasons: Partial<Record<InstanceFailureReason, number>> = {};
  let [valid, errors] = [0, 0];
  for (const step of served) {
    const share = errorShare(step.outcomes);
    valid += share.valid;
    errors += share.errors;
    for (const outcome of outcomes) {
      const count = step.outcomes[outcome] ?? 0;
      if (outcome !== 'success' && count > 0) reasons[outcome] = (reasons[outcome] ?? 0) + count;
    }
  }
  for (const { reason, count } of ended) instanceReasons[reason] = (instanceReasons[reason] ?? 0) + count;
  return { valid, errors, reasons, instanceReasons };
}

function pointOf(atMs: number, { valid, errors, reasons, instanceReasons }: Step): FailurePoint {
  return { at: iso(atMs), valid, errors, errorRatio: valid === 0 ? null : errors / valid, reasons, instanceReasons };
}
