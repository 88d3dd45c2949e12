import { RevisionSpec, RolloutPlan } from '@slipway/contracts';
import type { Deployment } from '../deployments/deployment.js';
import type { DeploymentState } from '../deployments/deployment-state.js';
import type { Host } from '../hosts/host.js';
import { type Instance, noSetup } from '../instances/instance.js';
import type { Revision } from '../revisions/revision.js';
import type { Rollout } from '../rollouts/rollout.js';

/** The moment that all tests of decisions happen at. */
export const noon = new Date('2026-01-01T12:00:00Z');

export function secondsAgo(seconds: number): Date {
  return new Date(noon.getTime() - seconds * 1000);
}

/** Values for tests of decisions; each takes what the test is about. Revision k has the id "r<k>". */
export function revision(number: number, given: Partial<Revision> & { keepWarmSeconds?: number } = {}): Revision {
  const { keepWarmSeconds = 600, ...rest } = given;
  return {
    id: `r${number}`,
    deploymentId: 'd1',
    number,
    versionId: `v${number}`,
    versionNumber: number,
    digest: 'aa',
    memoryBytes: 100,
    replicas: 1,
    spec: RevisionSpec.parse({ keepWarmSeconds }),
    reason: undefined,
    createdBy: 'key:test',
    createdAt: secondsAgo(3_600),
    activatedAt: undefined,
    retiredAt: undefined,
    unplacedReason: undefined,
    ...rest,
  };
}

export function instance(id: string, revisionId: string, given: Partial<Instance> = {}): Instance {
  return {
    id,
    deploymentId: 'd1',
    revisionId,
    hostId: 'h1',
    hostName: 'one',
    wish: 'RUN',
    createdAt: secondsAgo(60),
    status: 'READY',
    address: `unix:/${id}.sock`,
    pid: 1,
    restarts: 0,
    reason: undefined,
    setup: noSetup,
    readyAt: secondsAgo(50),
    updatedAt: secondsAgo(50),
    ...given,
  };
}

export function rollout(to: string, given: Partial<Rollout> = {}): Rollout {
  return {
    id: 'o1',
    deploymentId: 'd1',
    epoch: 1,
    fromRevisionId: undefined,
    toRevisionId: to,
    strategy: 'all-at-once',
    plan: RolloutPlan.parse({}),
    planName: undefined,
    createdBy: 'key:test',
    reason: undefined,
    startedAt: secondsAgo(120),
    scheduledFor: undefined,
    wish: undefined,
    wishCause: undefined,
    wishDetail: undefined,
    wishBy: undefined,
    approvedStage: undefined,
    promoteNow: false,
    overrideFreeze: false,
    waived: [],
    status: 'PROGRESSING',
    phase: 'warming',
    step: 0,
    stepStartedAt: secondsAgo(120),
    weightPercent: 0,
    shadowPercent: 0,
    waitingFor: undefined,
    judgements: [],
    judgedAt: undefined,
    counts: undefined,
    cause: undefined,
    causeDetail: undefined,
    finishedAt: undefined,
    undoUntil: undefined,
    rowVersion: 0,
    ...given,
  };
}

export function host(id: string, given: Partial<Host> = {}): Host {
  return {
    id,
    name: id,
    cores: 4,
    memoryBytes: 10_000,
    gpus: 0,
    labels: {},
    schedulable: true,
    draining: false,
    lastSeenAt: secondsAgo(1),
    ...given,
  };
}

export function state(given: {
  wish?: Partial<Deployment['wish']>;
  active?: string | undefined;
  revisions?: readonly Revision[];
  rollout?: Rollout | undefined;
  instances?: readonly Instance[];
  shadows?: DeploymentState['shadows'];
}): DeploymentState {
  return {
    deployment: {
      id: 'd1',
      projectId: 'p1',
      name: 'fraud',
      modelId: 'm1',
      modelName: 'fraud',
      createdBy: 'key:test',
      createdAt: secondsAgo(3_600),
      wish: { epoch: 1, kind: 'DEPLOY', desiredRevisionId: undefined, suspended: false, deletedAt: undefined, ...given.wish },
      fact: { activeRevisionId: given.active, status: 'READY', statusReason: undefined },
    },
    revisions: given.revisions ?? [],
    rollout: given.rollout,
    instances: given.instances ?? [],
    shadows: given.shadows ?? [],
  };
}
