import type { Database } from '@slipway/platform';

/** When the routing of each living deployment last changed, in epoch ms by its id: it was made, or a rollout began or was over. */
export async function routingChanges(db: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await db.$queryRaw<{ id: string; at: Date }[]>`
    select d."id", greatest(d."createdAt", max(r."startedAt"), max(r."finishedAt")) as "at"
    from "Deployment" d left join "Rollout" r on r."deploymentId" = d."id"
    where d."deletedAt" is null group by d."id"`;
  return new Map(rows.map(({ id, at }) => [id, at.getTime()]));
}
