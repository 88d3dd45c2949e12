import type { DeploymentSummary, DeploymentView, InstanceView, RevisionView, Signature, Task } from '@slipway/contracts';
import { type Instance, isServing } from '../instances/instance.js';
import type { Revision } from '../revisions/revision.js';
import { toRolloutView } from '../rollouts/rollout-view.js';
import { type DeploymentState, hasReadyInstance, revisionOf, servingRevision, splitOf, walkingRollout } from './deployment-state.js';
import { deriveStatus } from './derive-status.js';

/** A deployment as a row of the list. */
export function toDeploymentSummary(state: DeploymentState, silentHosts: ReadonlySet<string>): DeploymentSummary {
  const { deployment } = state;
  const { status, reason } = deriveStatus(state, silentHosts);
  return {
    id: deployment.id,
    name: deployment.name,
    model: deployment.modelName,
    status,
    statusReason: reason ?? null,
    suspended: deployment.wish.suspended,
    epoch: deployment.wish.epoch,
    split: splitOf(state).flatMap(({ revisionId, weightPercent }) => {
      const revision = revisionOf(state, revisionId);
      return revision === undefined ? [] : [{ revision: revision.number, version: revision.versionNumber, weightPercent }];
    }),
    replicas: countReplicas(state),
    createdAt: deployment.createdAt.toISOString(),
    createdBy: deployment.createdBy,
  };
}

export interface ViewExtras {
  /** On the database's clock. */
  readonly now: Date;
  /** Newest first. */
  readonly history: readonly Revision[];
  readonly silentHosts: ReadonlySet<string>;
  readonly signature: Signature | null;
  readonly task: Task | null;
}

/** A deployment with everything on its page. */
export function toDeploymentView(state: DeploymentState, extras: ViewExtras): DeploymentView {
  const known = new Map([...state.revisions, ...extras.history].map((revision) => [revision.id, revision]));
  const revisions = [...known.values()].sort((a, b) => b.number - a.number);
  return {
    ...toDeploymentSummary(state, extras.silentHosts),
    signature: extras.signature,
    task: extras.task,
    revisions: revisions.map((revision) => toRevisionView(state, revision)),
    rollout: state.rollout === undefined ? null : toRolloutView(state.rollout, state, { revisions: known, now: extras.now }),
    instances: state.instances.map((instance) => toInstanceView(instance, known)),
  };
}

/** Replicas of what serves, or of what should serve first. */
function countReplicas(state: DeploymentState): { wanted: number; ready: number } {
  if (state.deployment.wish.suspended) return { wanted: 0, ready: 0 };
  const revision = servingRevision(state) ?? revisionOf(state, walkingRollout(state)?.toRevisionId);
  if (revision === undefined) return { wanted: 0, ready: 0 };
  return {
    wanted: revision.replicas,
    ready: state.instances.filter((instance) => instance.revisionId === revision.id && isServing(instance)).length,
  };
}

export function toRevisionView(state: DeploymentState, revision: Revision): RevisionView {
  return {
    id: revision.id,
    revision: revision.number,
    version: revision.versionNumber,
    versionId: revision.versionId,
    digest: revision.digest,
    replicas: revision.replicas,
    spec: revision.spec,
    reason: revision.reason ?? null,
    createdAt: revision.createdAt.toISOString(),
    createdBy: revision.createdBy,
    activatedAt: revision.activatedAt?.toISOString() ?? null,
    retiredAt: revision.retiredAt?.toISOString() ?? null,
    warm: hasReadyInstance(state, revision.id),
    weightPercent: splitOf(state).find((share) => share.revisionId === revision.id)?.weightPercent ?? 0,
  };
}

export function toInstanceView(instance: Instance, revisions: ReadonlyMap<string, Revision>): InstanceView {
  const revision = revisions.get(instance.revisionId);
  return {
    id: instance.id,
    revision: revision?.number ?? 0,
    version: revision?.versionNumber ?? 0,
    host: instance.hostName,
    status: instance.status,
    pid: instance.pid ?? null,
    restarts: instance.restarts,
    reason: instance.reason ?? null,
    threads: instance.setup.threads ?? null,
    threadsNote: instance.setup.threadsNote ?? null,
    provider: instance.setup.provider ?? null,
    providerNote: instance.setup.providerNote ?? null,
    memoryLimitBytes: instance.setup.memoryLimitBytes ?? null,
    memoryLimitBy: instance.setup.memoryLimitBy ?? null,
    readyAt: instance.readyAt?.toISOString() ?? null,
    createdAt: instance.createdAt.toISOString(),
  };
}
