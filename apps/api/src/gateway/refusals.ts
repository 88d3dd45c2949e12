import { assertNever } from '@slipway/contracts';
import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';
import type { Refusal } from './answers.js';
import type { LaneRefusal, Unroutable } from './routed-entry.js';

/** The refusal of a body over the limit. */
export function bodyTooLarge(maxBodyBytes: number): Refusal {
  return { code: 'BODY_TOO_LARGE', message: `the body is over the limit of ${maxBodyBytes} bytes` };
}

/** @param wasSent whether an instance had the request and ended with it. */
export function refusalOfLane(refusal: LaneRefusal, name: string, revision: RoutingRevision, wasSent: boolean): Refusal {
  switch (refusal.kind) {
    case 'not_ready':
      if (!wasSent) return { code: 'DEPLOYMENT_NOT_READY', message: `no instance of "${name}" is ready`, retryAfterSeconds: 1 };
      return {
        code: 'INSTANCE_GONE',
        message: `the instance of "${name}" that had this request ended, and no other one is ready`,
        retryAfterSeconds: 1,
      };
    case 'queue_full':
      return busy(`"${name}" has ${revision.maxQueue} requests waiting already`, refusal.waitSeconds);
    case 'too_late':
      return busy(
        `"${name}" has more requests waiting than it can answer in time; the wait would be ${seconds(refusal.waitSeconds)}`,
        refusal.waitSeconds,
      );
    case 'displaced':
      return busy(`"${name}" is full, and requests of a higher priority came in`, refusal.waitSeconds);
    case 'quarantined':
      return {
        code: 'INPUT_QUARANTINED',
        message: `an instance of "${name}" ended twice while it had exactly this input; it is refused for ten minutes`,
      };
    default:
      return assertNever(refusal);
  }
}

function busy(why: string, waitSeconds: number): Refusal {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitSeconds));
  return { code: 'QUEUE_FULL', message: `${why}; come back in about ${retryAfterSeconds} s`, retryAfterSeconds };
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

export function cannotRoute(why: Unroutable, deployment: RoutingDeployment, version: number | undefined): Refusal {
  const { name, suspended, statusReason } = deployment;
  if (why === 'no_such_version') return { code: 'VERSION_NOT_FOUND', message: `version ${version} of "${name}" is not served here` };
  if (why === 'version_loading') return { code: 'DEPLOYMENT_NOT_READY', message: `version ${version} of "${name}" is loading` };
  const reason = suspended ? 'it is suspended' : (statusReason ?? 'no revision of it has been ready yet');
  return { code: 'DEPLOYMENT_NOT_READY', message: `"${name}" does not serve: ${reason}` };
}

export function deadlineExceeded(waitedMs: number): Refusal {
  return { code: 'DEADLINE_EXCEEDED', message: `no answer within the deadline; ${Math.round(waitedMs)} ms had passed` };
}
