import type { DatabaseHandle } from '@slipway/platform';
import { RoutingRows } from './routing-rows.schema.js';

/** A read that found something new. */
export interface RoutingRead {
  /** Names the content; give it to the next read. */
  readonly fingerprint: string;
  /** The rows as JSON text, as kept on disk. */
  readonly text: string;
  readonly rows: RoutingRows;
}

/**
 * One statement, hence one consistent view of wishes, facts and addresses. PostgreSQL builds the text and its hash; the text travels
 * only when the hash differs from the caller's, so that a poll which finds nothing new costs the gateway next to nothing.
 */
const statement = `
with deployment as (
  select d."id" as "deploymentId", d."projectId", d."name", d."status", d."statusReason", d."suspended", d."wishKind",
    d."desiredRevisionId", d."activeRevisionId",
    (select json_build_object('rolloutId', r."id", 'status', r."status", 'wish', r."wish", 'fromRevisionId', r."fromRevisionId",
        'toRevisionId', r."toRevisionId", 'stage', r."step", 'weightPercent', r."weightPercent", 'shadowPercent', r."shadowPercent",
        'fastLane', r."plan"->'fastLane', 'comparisonsPerSecond', r."plan"->'comparisonsPerSecond',
        'topK', r."plan"->'guards'->'disagreement'->'topK')
      from "Rollout" r where r."deploymentId" = d."id" and r."epoch" = d."epoch" order by r."startedAt" desc, r."id" desc limit 1) as "rollout",
    (select json_agg(json_build_object('shadowId', s."id", 'revisionId', s."revisionId", 'samplePercent', s."samplePercent") order by s."id")
      from "Shadow" s where s."deploymentId" = d."id" and s."endedAt" is null) as "shadows"
  from "Deployment" d where d."deletedAt" is null
), instance as (
  select i."id" as "instanceId", i."revisionId", i."address", i."status" = 'READY' as "ready"
  from "Instance" i join deployment d on d."deploymentId" = i."deploymentId"
  where i."wish" = 'RUN' and i."status" in ('ASSIGNED', 'LOADING', 'READY') and i."address" is not null
), wanted as (
  select "desiredRevisionId" as "id" from deployment union select "activeRevisionId" from deployment
  union select "rollout"->>'fromRevisionId' from deployment union select "rollout"->>'toRevisionId' from deployment
  union select "revisionId" from instance
  union select s."revisionId" from "Shadow" s join deployment d on d."deploymentId" = s."deploymentId" where s."endedAt" is null
), revision as (
  select r."id" as "revisionId", r."deploymentId", r."number", r."versionId", v."number" as "versionNumber", v."digest",
    m."name" as "modelName", v."signature", v."task", v."rowsIndependent", r."spec"->'maxQueue' as "maxQueue",
    r."spec"->'deadlineMs' as "deadlineMs", r."spec"->'batching' as "batching", r."spec"->'requestSamples' as "requestSamples",
    r."spec"->'monitoring'->'noise'->'percent' as "noisePercent"
  from wanted w join "Revision" r on r."id" = w."id" join "Version" v on v."id" = r."versionId" join "Model" m on m."id" = v."modelId"
), document as (
  select json_build_object(
    'deployments', (select coalesce(json_agg(d order by d."deploymentId"), '[]') from deployment d),
    'revisions', (select coalesce(json_agg(r order by r."revisionId"), '[]') from revision r),
    'instances', (select coalesce(json_agg(i order by i."instanceId"), '[]') from instance i))::text as "text"
)
select md5("text") as "fingerprint", case when md5("text") = $1 then null else "text" end as "text" from document`;

/** Reads the rows that routing is a function of. */
export class SnapshotStore {
  constructor(private readonly pool: DatabaseHandle['pool']) {}

  /** @returns undefined when nothing changed since the read with `fingerprint`. */
  async read(fingerprint?: string): Promise<RoutingRead | undefined> {
    const { rows } = await this.pool.query<{ fingerprint: string; text: string | null }>(statement, [fingerprint ?? '']);
    const row = rows[0];
    if (row === undefined || row.text === null) return undefined;
    return { fingerprint: row.fingerprint, text: row.text, rows: parseRoutingRows(row.text) };
  }
}

/** Rows from their JSON text; throws on anything else. */
export function parseRoutingRows(text: string): RoutingRows {
  return RoutingRows.parse(JSON.parse(text));
}
