import type { Database } from '@slipway/platform';

/** Names and serving versions of deployments by id, those that live. While a rollout is under way both its versions serve. */
export async function ruledDeployments(
  db: Database,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly name: string; readonly servingVersions: readonly number[] }>> {
  if (deploymentIds.length === 0) return new Map();
  const rows = await db.$queryRaw<{ id: string; name: string; versions: number[] }[]>`
    select d."id", d."name", coalesce(array_agg(distinct v."number") filter (where v."number" is not null), '{}') as "versions"
    from "Deployment" d
    left join "Rollout" o on o."deploymentId" = d."id" and o."finishedAt" is null
    left join "Revision" r on r."id" in (d."activeRevisionId", o."toRevisionId")
    left join "Version" v on v."id" = r."versionId"
    where d."id" = any(${[...deploymentIds]}) and d."deletedAt" is null
    group by d."id", d."name"`;
  return new Map(rows.map(({ id, name, versions }) => [id, { name, servingVersions: versions }]));
}
