import {
  deploymentStatuses,
  GuardJudgement,
  guardOutcomes,
  instanceStatuses,
  memoryLimiters,
  RevisionSpec,
  RolloutCounts,
  RolloutPlan,
  rolloutPhases,
  rolloutStatuses,
  strategies,
} from '@slipway/contracts';
import type { Prisma } from '@slipway/platform';
import { z } from 'zod';
import { type Instance, instanceWishes } from '../instances/instance.js';
import type { Revision } from '../revisions/revision.js';
import { abortCauses, type Rollout, rolloutWishes } from '../rollouts/rollout.js';
import { readEnum } from '../rows/read-enum.js';
import { type Deployment, wishKinds } from './deployment.js';

/** What is read along with each row. */
export const deploymentInclude = { model: { select: { name: true } } } as const satisfies Prisma.DeploymentInclude;
export const revisionInclude = {
  version: { select: { number: true, digest: true, sizeBytes: true, footprint: true } },
} as const satisfies Prisma.RevisionInclude;
export const instanceInclude = { host: { select: { name: true } } } as const satisfies Prisma.InstanceInclude;

type DeploymentRow = Prisma.DeploymentGetPayload<{ include: typeof deploymentInclude }>;
type RevisionRow = Prisma.RevisionGetPayload<{ include: typeof revisionInclude }>;
type InstanceRow = Prisma.InstanceGetPayload<{ include: typeof instanceInclude }>;
type RolloutRow = Prisma.RolloutGetPayload<object>;

const Waivers = z.array(z.object({ guard: z.string(), outcome: z.enum(guardOutcomes) }));

export function toDeployment(row: DeploymentRow): Deployment {
  return {
    id: row.id,
    projectId: row.projectId,
    name: row.name,
    modelId: row.modelId,
    modelName: row.model.name,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    wish: {
      epoch: row.epoch,
      kind: readEnum(wishKinds, row.wishKind),
      desiredRevisionId: row.desiredRevisionId ?? undefined,
      suspended: row.suspended,
      deletedAt: row.deletedAt ?? undefined,
    },
    fact: {
      activeRevisionId: row.activeRevisionId ?? undefined,
      status: readEnum(deploymentStatuses, row.status),
      statusReason: row.statusReason ?? undefined,
    },
  };
}

export function toRevision(row: RevisionRow): Revision {
  return {
    id: row.id,
    deploymentId: row.deploymentId,
    number: row.number,
    versionId: row.versionId,
    versionNumber: row.version.number,
    digest: row.version.digest,
    memoryBytes: expectedMemory(row.version.footprint, Number(row.version.sizeBytes)),
    replicas: row.replicas,
    spec: RevisionSpec.parse(row.spec),
    reason: row.reason ?? undefined,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    activatedAt: row.activatedAt ?? undefined,
    retiredAt: row.retiredAt ?? undefined,
    unplacedReason: row.unplacedReason ?? undefined,
  };
}

/** A process with the runtime in it takes about this much before any model is loaded. */
const processBytes = 120 * 1024 * 1024;

/** Memory one instance is expected to take: measured while validating, else estimated from the file's size. */
export function expectedMemory(footprint: Prisma.JsonValue, fileBytes: number): number {
  const measured: unknown = footprint !== null && typeof footprint === 'object' ? Reflect.get(footprint, 'rssBytes') : undefined;
  return typeof measured === 'number' && measured > 0 ? measured : processBytes + 2 * fileBytes;
}

export function toRollout(row: RolloutRow): Rollout {
  return {
    id: row.id,
    deploymentId: row.deploymentId,
    epoch: row.epoch,
    fromRevisionId: row.fromRevisionId ?? undefined,
    toRevisionId: row.toRevisionId,
    strategy: readEnum(strategies, row.strategy),
    plan: RolloutPlan.parse(row.plan),
    createdBy: row.createdBy,
    reason: row.reason ?? undefined,
    startedAt: row.startedAt,
    scheduledFor: row.scheduledFor ?? undefined,
    planName: row.planName ?? undefined,
    wish: row.wish === null ? undefined : readEnum(rolloutWishes, row.wish),
    wishCause: abortCauses.find((cause) => cause === row.wishCause),
    wishDetail: row.wishDetail ?? undefined,
    wishBy: row.wishBy ?? undefined,
    approvedStage: row.approvedStage ?? undefined,
    promoteNow: row.promoteNow,
    overrideFreeze: row.overrideFreeze,
    waived: Waivers.parse(row.waived),
    status: readEnum(rolloutStatuses, row.status),
    phase: readEnum(rolloutPhases, row.phase),
    step: row.step,
    stepStartedAt: row.stepStartedAt,
    weightPercent: row.weightPercent,
    shadowPercent: row.shadowPercent,
    waitingFor: row.waitingFor ?? undefined,
    judgements: GuardJudgement.array().parse(row.judgements),
    judgedAt: row.judgedAt ?? undefined,
    counts: row.counts === null ? undefined : RolloutCounts.parse(row.counts),
    cause: row.cause ?? undefined,
    causeDetail: row.causeDetail ?? undefined,
    finishedAt: row.finishedAt ?? undefined,
    undoUntil: row.undoUntil ?? undefined,
    rowVersion: row.rowVersion,
  };
}

export function toInstance(row: InstanceRow): Instance {
  return {
    id: row.id,
    deploymentId: row.deploymentId,
    revisionId: row.revisionId,
    hostId: row.hostId,
    hostName: row.host.name,
    wish: readEnum(instanceWishes, row.wish),
    createdAt: row.createdAt,
    status: readEnum(instanceStatuses, row.status),
    address: row.address ?? undefined,
    pid: row.pid ?? undefined,
    restarts: row.restarts,
    reason: row.reason ?? undefined,
    setup: {
      threads: row.threads ?? undefined,
      threadsNote: row.threadsNote ?? undefined,
      provider: row.provider ?? undefined,
      providerNote: row.providerNote ?? undefined,
      memoryLimitBytes: row.memoryLimitBytes === null ? undefined : Number(row.memoryLimitBytes),
      memoryLimitBy: row.memoryLimitBy === null ? undefined : readEnum(memoryLimiters, row.memoryLimitBy),
    },
    readyAt: row.readyAt ?? undefined,
    updatedAt: row.updatedAt,
  };
}
