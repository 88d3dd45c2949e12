import { Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { z } from 'zod';

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
/** The newest revisions, among which those versions are looked for. */
const revisionsRead = 20;
/** Deployments that are watched at all; who reads so many tells that the rest is not. */
export const watchedDeploymentsMax = 5_000;

const Slices = z.array(z.string());

/** One version of one deployment; what is the deployment's is the same in each. */
interface Row {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deployment: string;
  readonly modelId: string;
  readonly isSuspended: boolean;
  readonly replicas: number;
  readonly slices: unknown;
  readonly revisedAt: Date;
  readonly movedAt: Date | null;
  readonly undoneAt: Date | null;
  readonly finishedAt: Date | null;
  readonly versionId: string;
  readonly version: number;
  readonly task: unknown;
  readonly isServing: boolean;
}

/** Living deployments by id, for judging. Reads nothing of a revision but what is needed: many are read every few seconds. */
export async function watchedDeployments(db: Database): Promise<WatchedRows[]> {
  const rows = await db.$queryRaw<Row[]>`
    with watched as (
      select d.*, o."toRevisionId" as "nextId", o."movedAt", o."undoneAt", o."finishedAt"
      from (select * from "Deployment" where "deletedAt" is null order by "id" limit ${watchedDeploymentsMax}) d
      left join lateral (
        select case when "finishedAt" is null then "toRevisionId" end as "toRevisionId", greatest("startedAt", "stepStartedAt") as "movedAt", "finishedAt",
          (select max("at") from "RolloutTransition" where "rolloutId" = "Rollout"."id" and "action" = 'undone') as "undoneAt"
        from "Rollout" where "deploymentId" = d."id" order by "startedAt" desc limit 1
      ) o on true
    )
    select w."projectId", w."id" as "deploymentId", w."name" as "deployment", w."modelId", w."suspended" as "isSuspended", a."replicas",
      a."spec" #> '{monitoring,slices}' as "slices", a."createdAt" as "revisedAt", w."movedAt", w."undoneAt", w."finishedAt",
      served."versionId", v."number" as "version", v."task", served."rank" < 2 as "isServing"
    from watched w
    join "Revision" a on a."id" = coalesce(w."activeRevisionId",
      (select "id" from "Revision" where "deploymentId" = w."id" order by "number" desc limit 1))
    cross join lateral (
      select "versionId", min("rank") as "rank", max("number") as "newest" from (
        (select "versionId", "number", case "id" when w."activeRevisionId" then 0 when w."nextId" then 1 else 2 end as "rank"
          from "Revision" where "deploymentId" = w."id" order by "number" desc limit ${revisionsRead})
        union all
        select "versionId", "number", case "id" when w."activeRevisionId" then 0 else 1 end
        from "Revision" where "id" in (w."activeRevisionId", w."nextId")
      ) r
      group by "versionId" order by 2, 3 desc limit ${versionsMax}
    ) served
    join "Version" v on v."id" = served."versionId"
    order by w."id", served."rank", served."newest" desc`;
  const found = new Map<string, Omit<WatchedRows, 'versions'> & { readonly versions: WatchedRows['versions'][number][] }>();
  for (const row of rows) {
    const { versionId, version, isServing } = row;
    const known = found.get(row.deploymentId) ?? deploymentOf(row);
    known.versions.push({ versionId, version, task: Task.safeParse(row.task).data, isServing });
    found.set(row.deploymentId, known);
  }
  return [...found.values()];
}

function deploymentOf({ projectId, deploymentId, deployment, modelId, replicas, isSuspended, ...row }: Row) {
  const moments = [row.revisedAt, row.movedAt, row.undoneAt, row.finishedAt].flatMap((at) => at?.getTime() ?? []);
  return {
    ...{ projectId, deploymentId, deployment, modelId, replicas, isSuspended },
    versions: [],
    slices: Slices.safeParse(row.slices).data ?? [],
    changedAtMs: Math.max(...moments),
  };
}
