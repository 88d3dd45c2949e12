import type { Queryable } from '../windows/partitions.store.js';

/** A walk looks back four weeks and a week of windows; what it remembers from before is of no use to it. */
const walkDays = 35;
/** How far a judge has come with a version. What it has learned of one is kept, since it may serve again. */
const walkKeys = '^(walk/|stream/|version-)';

export interface JudgedRetention {
  /** Days that a judgement stays the newest of its thing without being judged again. */
  readonly windowsDays: number;
  /** Those of some deployments that live. */
  readonly living: (deploymentIds: readonly string[]) => Promise<ReadonlyMap<string, unknown>>;
}

/** Deletes what judges keep of deployments that were deleted, and of versions that were judged long ago. */
export async function sweepJudged(db: Queryable, { windowsDays, living }: JudgedRetention): Promise<void> {
  const { rows } = await db.query<{ id: string }>(
    'select deployment_id as id from telemetry.judge_states union select deployment_id from telemetry.current_judgements',
  );
  const known = rows.map(({ id }) => id);
  const alive = await living(known);
  const dead = known.filter((id) => !alive.has(id));
  await db.query(
    `delete from telemetry.judge_states
     where deployment_id = any($1::text[]) or (updated_at < now() - make_interval(days => ${walkDays}) and key ~ '${walkKeys}')`,
    [dead],
  );
  await db.query(
    'delete from telemetry.current_judgements where deployment_id = any($1::text[]) or judged_at < now() - make_interval(days => $2::integer)',
    [dead, windowsDays],
  );
}
