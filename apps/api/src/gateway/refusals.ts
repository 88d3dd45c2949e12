import type { RoutingDeployment } from '@slipway/deployments';
import type { Refusal } from './answers.js';
import type { Unroutable } from './routed-entry.js';

/** The refusal of a body over the limit. */
export function bodyTooLarge(maxBodyBytes: number): Refusal {
  return { code: 'BODY_TOO_LARGE', message: `the body is over the limit of ${maxBodyBytes} bytes` };
}

export function queueFull(name: string, maxQueue: number, retryAfterSeconds: number): Refusal {
  const message = `"${name}" has ${maxQueue} requests waiting already; come back in about ${retryAfterSeconds} s`;
  return { code: 'QUEUE_FULL', message, retryAfterSeconds };
}

/** @param wasSent whether an instance had the request and ended with it. */
export function noneReady(name: string, wasSent: boolean, retryAfterSeconds: number): Refusal {
  if (!wasSent) return { code: 'DEPLOYMENT_NOT_READY', message: `no instance of "${name}" is ready`, retryAfterSeconds };
  const message = `the instance of "${name}" that had this request ended, and no other one is ready`;
  return { code: 'INSTANCE_GONE', message, retryAfterSeconds };
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
