import type { DeploymentStatus } from '@slipway/contracts';
import { type Instance, isServing } from '../instances/instance.js';
import type { Revision } from '../revisions/revision.js';
import { type DeploymentState, revisionOf, servingRevision, walkingRollout } from './deployment-state.js';

export interface DerivedStatus {
  readonly status: DeploymentStatus;
  /** One sentence for people; undefined when there is nothing to explain. */
  readonly reason: string | undefined;
}

/**
 * What a deployment is, told from its wishes and facts.
 * @param silentHosts ids of hosts that have not been heard of lately: their instances may still answer, but nobody can say so.
 */
export function deriveStatus(state: DeploymentState, silentHosts: ReadonlySet<string> = new Set()): DerivedStatus {
  const { wish } = state.deployment;
  if (wish.deletedAt !== undefined) return { status: 'DELETING', reason: undefined };
  if (wish.suspended) return { status: 'SUSPENDED', reason: undefined };
  const serving = servingRevision(state);
  return serving === undefined ? beforeFirst(state) : whileServing(state, serving, silentHosts);
}

function beforeFirst(state: DeploymentState): DerivedStatus {
  const { rollout } = state;
  if (rollout?.status === 'ABORTED' && walkingRollout(state) === undefined) {
    return { status: 'UNAVAILABLE', reason: `the first rollout was aborted: ${rollout.causeDetail ?? rollout.cause ?? 'no reason was kept'}` };
  }
  return { status: 'CREATING', reason: revisionOf(state, walkingRollout(state)?.toRevisionId)?.unplacedReason ?? lastReason(state.instances) };
}

function whileServing(state: DeploymentState, serving: Revision, silentHosts: ReadonlySet<string>): DerivedStatus {
  const own = state.instances.filter((instance) => instance.revisionId === serving.id);
  const ready = own.filter(isServing);
  const why = serving.unplacedReason ?? lastReason(own.filter((instance) => !isServing(instance)));
  const because = why === undefined ? '' : `: ${why}`;
  if (ready.length === 0) return { status: 'UNAVAILABLE', reason: `no instance of revision ${serving.number} is ready${because}` };
  if (ready.length < serving.replicas) {
    return { status: 'DEGRADED', reason: `${ready.length} of ${serving.replicas} instances of revision ${serving.number} are ready${because}` };
  }
  const silent = ready.find((instance) => silentHosts.has(instance.hostId));
  if (silent !== undefined) return { status: 'DEGRADED', reason: `the host ${silent.hostName} has not been heard of lately` };
  return { status: 'READY', reason: undefined };
}

function lastReason(instances: readonly Instance[]): string | undefined {
  const told = instances.filter((instance) => instance.reason !== undefined);
  return told.reduce<Instance | undefined>((last, at) => (last === undefined || at.updatedAt > last.updatedAt ? at : last), undefined)?.reason;
}
