import { type Queryable, withPartitions } from '../windows/partitions.store.js';
import { parsePredictionRef } from './prediction-id.js';
import type { PredictionRow } from './spool-line.js';

/** Arriving twice (a worker killed between commit and noting it) changes nothing. Deployments that are not known any more are left out. */
const insertRows = `
insert into telemetry.predictions (at, id, "row", project_id, deployment_id, revision_id, version_id, version_number, client_id, predicted,
  predicted_number, score, compute_micros, "rows")
select to_timestamp(p.at_ms / 1000.0), p.id, p."row", o.project_id, p.deployment_id, p.revision_id, p.version_id, p.version_number, p.client_id, p.predicted,
  p.predicted_number, p.score, p.compute_micros, p."rows"
from unnest($1::float8[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::text[], $10::float8[], $11::float8[],
    $12::integer[], $13::integer[])
    as p(at_ms, id, "row", deployment_id, revision_id, version_id, version_number, client_id, predicted, predicted_number, score, compute_micros, "rows")
  join unnest($14::text[], $15::text[]) as o(deployment_id, project_id) using (deployment_id)
on conflict (at, id, "row") do nothing`;

/** Rows per statement. */
const chunk = 2_000;

/** A stored prediction row with the newest label given to it. */
export interface StoredPrediction {
  readonly atMs: number;
  readonly id: string;
  readonly row: number;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly clientId: string | null;
  readonly predicted: string | null;
  readonly predictedNumber: number | null;
  readonly score: number | null;
  readonly computeMicros: number;
  readonly label: string | null;
  readonly labelNumber: number | null;
  readonly labelledAt: Date | null;
}

const selectRows = `
select (extract(epoch from p.at) * 1000)::float8 as "atMs", p.id, p."row", p.deployment_id as "deploymentId", p.revision_id as "revisionId",
  p.version_id as "versionId", p.version_number as "versionNumber", p.client_id as "clientId", p.predicted, p.predicted_number as "predictedNumber", p.score,
  p.compute_micros as "computeMicros", l.label, l.label_number as "labelNumber", l.received_at as "labelledAt"
from telemetry.predictions p left join lateral (
  select label, label_number, received_at from telemetry.labels
  where at = p.at and prediction_id = p.id and "row" = p."row" order by received_at desc limit 1
) l on true
where p.at = to_timestamp($1::float8 / 1000.0) and p.id = $2 and p.project_id = $3 and ($4::integer is null or p."row" = $4)
order by p."row" limit 1000`;

/** Prediction records: written in bulk from the instances' spools, read by id. */
export class PredictionStore {
  constructor(private readonly db: Queryable) {}

  /**
   * Stores rows; those stored before stay as they are.
   * @param projects project id by deployment id; rows of other deployments are left out.
   * @returns how many were new.
   */
  async insert(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): Promise<number> {
    let inserted = 0;
    for (let at = 0; at < rows.length; at += chunk) inserted += await this.insertChunk(rows.slice(at, at + chunk), projects);
    return inserted;
  }

  /** The rows of a prediction, one row for `prd_…#k`; empty when there is none in this project. */
  async find(projectId: string, predictionId: string): Promise<StoredPrediction[]> {
    const ref = parsePredictionRef(predictionId);
    if (ref === undefined) return [];
    const { rows } = await this.db.query<StoredPrediction>(selectRows, [ref.atMs, ref.id, projectId, ref.row ?? null]);
    return rows;
  }

  private async insertChunk(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): Promise<number> {
    const column = <K extends keyof PredictionRow>(key: K): PredictionRow[K][] => rows.map((row) => row[key]);
    const values = [
      column('atMs'),
      column('id'),
      column('row'),
      column('deploymentId'),
      column('revisionId'),
      column('versionId'),
      column('versionNumber'),
      column('clientId'),
      column('predicted'),
      column('predictedNumber'),
      column('score'),
      column('computeMicros'),
      column('rows'),
      [...projects.keys()],
      [...projects.values()],
    ];
    const result = await withPartitions(this.db, column('atMs'), () => this.db.query(insertRows, values));
    return result.rowCount ?? 0;
  }
}
