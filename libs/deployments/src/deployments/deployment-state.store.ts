import type { Prisma, Transaction } from '@slipway/platform';
import { failureMemoryMs } from '../instances/plan-instances.js';
import { deploymentInclude, instanceInclude, revisionInclude, toDeployment, toInstance, toRevision, toRollout } from './deployment-rows.js';
import type { DeploymentState } from './deployment-state.js';

/** Longer than any allowed time to stay warm is not needed: older retired revisions are cold. */
const warmMaxMs = 86_400_000;

export interface LoadOptions {
  readonly take?: number;
  /** The rollout to judge, instead of the newest one. */
  readonly rolloutId?: string;
  /** Leaves out retired revisions that have gone cold, and those that a completed rollout came from: what is planned needs none of them. */
  readonly onlyWarm?: boolean;
}

/** Reads what decisions about the chosen deployments look at, in six queries whatever their number. Ordered by name. */
export async function loadStates(
  tx: Transaction,
  where: Prisma.DeploymentWhereInput,
  now: Date,
  options: LoadOptions = {},
): Promise<DeploymentState[]> {
  const rows = await tx.deployment.findMany({
    where,
    include: deploymentInclude,
    orderBy: [{ nameFolded: 'asc' }, { id: 'asc' }],
    ...(options.take === undefined ? {} : { take: options.take }),
  });
  if (rows.length === 0) return [];
  const deploymentIds = rows.map((row) => row.id);
  const deploymentId = { in: deploymentIds };
  const rolloutIds = options.rolloutId === undefined ? await newestRollouts(tx, deploymentIds) : [options.rolloutId];
  const rollouts = await tx.rollout.findMany({ where: { id: { in: rolloutIds }, deploymentId } });
  const instances = await tx.instance.findMany({
    where: {
      deploymentId,
      OR: [{ status: { notIn: ['GONE', 'FAILED'] } }, { status: 'FAILED', updatedAt: { gt: new Date(now.getTime() - failureMemoryMs) } }],
    },
    include: instanceInclude,
    orderBy: { id: 'asc' },
  });
  const shadows = await tx.shadow.findMany({ where: { deploymentId, endedAt: null }, orderBy: { id: 'asc' } });
  const named = [
    ...shadows.map((shadow) => shadow.revisionId),
    ...rows.flatMap((row) => [row.activeRevisionId, row.desiredRevisionId]),
    ...rollouts
      .filter(({ status }) => options.onlyWarm !== true || status !== 'COMPLETED')
      .flatMap((rollout) => [rollout.fromRevisionId, rollout.toRevisionId]),
    ...instances.map((instance) => instance.revisionId),
  ].filter((id) => id !== null);
  const wanted = new Set(named);
  if (options.onlyWarm === true) for (const id of await warmRevisionIds(tx, deploymentIds, now)) wanted.add(id);
  const retired = options.onlyWarm === true ? [] : [{ deploymentId, retiredAt: { gt: new Date(now.getTime() - warmMaxMs) } }];
  const revisions = await tx.revision.findMany({
    where: { OR: [{ id: { in: [...wanted] } }, ...retired] },
    include: revisionInclude,
    orderBy: { number: 'desc' },
  });
  const rolloutOf = new Map(rollouts.map((row) => [row.deploymentId, toRollout(row)]));
  const instancesOf = byDeployment(instances.map(toInstance));
  const revisionsOf = byDeployment(revisions.map(toRevision));
  const shadowsOf = byDeployment(shadows);
  return rows.map((row) => ({
    deployment: toDeployment(row),
    rollout: rolloutOf.get(row.id),
    instances: instancesOf.get(row.id) ?? [],
    revisions: revisionsOf.get(row.id) ?? [],
    shadows: shadowsOf.get(row.id) ?? [],
  }));
}

async function newestRollouts(tx: Transaction, deploymentIds: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select distinct on ("deploymentId") id from "Rollout" where "deploymentId" = any(${deploymentIds}) order by "deploymentId", "startedAt" desc, id desc`;
  return rows.map((row) => row.id);
}

async function warmRevisionIds(tx: Transaction, deploymentIds: readonly string[], now: Date): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select id from "Revision" where "deploymentId" = any(${deploymentIds})
      and "retiredAt" > ${now}::timestamptz - make_interval(secs => coalesce(("spec"->>'keepWarmSeconds')::int, 600))`;
  return rows.map((row) => row.id);
}

function byDeployment<T extends { readonly deploymentId: string }>(values: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(value.deploymentId);
    if (group === undefined) groups.set(value.deploymentId, [value]);
    else group.push(value);
  }
  return groups;
}
