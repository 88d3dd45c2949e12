import { RevisionSpec, Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';

/** A deployment with what is needed for judging it. */
export interface WatchedRows {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deployment: string;
  readonly modelId: string;
  /** The version that serves first, then those of a rollout under way, then those before, the newest first. */
  readonly versions: readonly {
    readonly versionId: string;
    readonly version: number;
    readonly task: Task | undefined;
    readonly isServing: boolean;
  }[];
  readonly slices: readonly string[];
  readonly replicas: number;
  readonly isSuspended: boolean;
  readonly changedAtMs: number;
}

/** Versions of one deployment that are judged; older ones keep what was judged of them. */
const versionsMax = 4;
const revisionsRead = 20;
const deploymentsMax = 5_000;

/** Every living deployment, for judging. */
export async function watchedDeployments(db: Database): Promise<WatchedRows[]> {
  const rows = await db.deployment.findMany({
    where: { deletedAt: null },
    orderBy: { id: 'asc' },
    take: deploymentsMax,
    include: {
      revisions: {
        orderBy: { number: 'desc' },
        take: revisionsRead,
        include: { version: { select: { id: true, number: true, task: true } } },
      },
      rollouts: { orderBy: { startedAt: 'desc' }, take: 1 },
    },
  });
  return rows.flatMap((row) => {
    const [rollout] = row.rollouts;
    const isWalking = rollout !== undefined && rollout.finishedAt === null;
    const serving = new Set([row.activeRevisionId, isWalking ? rollout.toRevisionId : null].filter((id) => id !== null));
    const active = row.revisions.find(({ id }) => id === row.activeRevisionId) ?? row.revisions[0];
    if (active === undefined) return [];
    const spec = RevisionSpec.safeParse(active.spec).data;
    const ordered = [
      ...row.revisions.filter(({ id }) => id === row.activeRevisionId),
      ...row.revisions.filter(({ id }) => id !== row.activeRevisionId && serving.has(id)),
      ...row.revisions.filter(({ id }) => !serving.has(id)),
    ];
    const versions = new Map<string, WatchedRows['versions'][number]>();
    for (const { id, version } of ordered) {
      if (versions.has(version.id) || versions.size === versionsMax) continue;
      const task = Task.safeParse(version.task).data;
      versions.set(version.id, { versionId: version.id, version: version.number, task, isServing: serving.has(id) });
    }
    const moments = [active.createdAt, rollout?.startedAt, rollout?.finishedAt].flatMap((at) => at?.getTime() ?? []);
    return {
      projectId: row.projectId,
      deploymentId: row.id,
      deployment: row.name,
      modelId: row.modelId,
      versions: [...versions.values()],
      slices: spec?.monitoring.slices ?? [],
      replicas: active.replicas,
      isSuspended: row.suspended,
      changedAtMs: Math.max(...moments),
    };
  });
}
