import { iso } from '../series/series-frame.js';
import type { Queryable } from '../windows/partitions.store.js';

/** Tells which deployments something was seen or set of lately. */
export class RecentInputStore {
  constructor(private readonly db: Queryable) {}

  /**
   * Those of some deployments that have served requests, got labels or lost instances since a moment, or whose objectives or settings were changed.
   * What else is counted of a deployment comes with its requests. One look into an index for each, however much there is.
   */
  async since(deploymentIds: readonly string[], fromMs: number): Promise<ReadonlySet<string>> {
    const { rows } = await this.db.query<{ id: string }>(
      `select id from unnest($1::text[]) as d(id) where
         exists (select from telemetry.serving_windows w where w.deployment_id = d.id and w.start_at >= $2)
         or exists (select from telemetry.label_arrivals l where l.deployment_id = d.id and l.start_at >= $2)
         or exists (select from telemetry.instance_failures f where f.deployment_id = d.id and f.at >= $2)
         or exists (select from "Slo" s where s."deploymentId" = d.id and s."updatedAt" >= $2::timestamptz at time zone 'UTC')
         or exists (select from "WatchSettings" s where s."deploymentId" = d.id and s."updatedAt" >= $2::timestamptz at time zone 'UTC')`,
      [deploymentIds, iso(fromMs)],
    );
    return new Set(rows.map(({ id }) => id));
  }
}
