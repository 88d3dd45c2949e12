import type { RequestSamples, RequestSamplesView } from '@slipway/contracts';
import type { Queryable } from '../windows/partitions.store.js';

/** A request ready to be kept: redacted, compressed, encrypted. */
export interface NewRequestSample {
  /** The prediction id. */
  readonly id: string;
  readonly atMs: number;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly represents: number;
  readonly rows: number;
  readonly batchRows: number;
  readonly computeMicros: number;
  readonly hasAnswer: boolean;
  readonly isRedacted: boolean;
  readonly payload: Uint8Array;
  readonly summary: Uint8Array;
  readonly keepHours: number;
}

/** One that is kept. */
export interface RequestSample {
  readonly id: string;
  readonly at: Date;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly rows: number;
  readonly batchRows: number;
  readonly computeMicros: number;
  readonly payload: Uint8Array;
}

/** Where reading goes on. */
export interface SampleCursor {
  readonly at: Date;
  readonly id: string;
}

export interface SampleWindow {
  readonly deploymentId: string;
  readonly from: Date;
  readonly to: Date;
}

const insertRows = `
insert into telemetry.request_samples (id, at, project_id, deployment_id, revision_id, version_id, version_number, represents, "rows", batch_rows,
  compute_micros, has_answer, redacted, bytes, payload, summary, expires_at)
select s.id, to_timestamp(s.at_ms / 1000.0), s.project_id, s.deployment_id, s.revision_id, s.version_id, s.version_number, s.represents, s."rows",
  s.batch_rows, s.compute_micros, s.has_answer, s.redacted, length(s.payload) + length(s.summary), s.payload, s.summary,
  to_timestamp(s.at_ms / 1000.0) + make_interval(hours => s.keep_hours)
from unnest($1::text[], $2::float8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::integer[], $9::integer[], $10::integer[],
    $11::integer[], $12::boolean[], $13::boolean[], $14::bytea[], $15::bytea[], $16::integer[])
  as s(id, at_ms, project_id, deployment_id, revision_id, version_id, version_number, represents, "rows", batch_rows, compute_micros, has_answer, redacted,
    payload, summary, keep_hours)
on conflict (id) do nothing`;

/** The newest stay, as far as number and bytes go. */
const trimRows = `
delete from telemetry.request_samples where id in (
  select id from (
    select id, row_number() over newest as place, sum(bytes) over newest as bytes
    from telemetry.request_samples where deployment_id = $1 window newest as (order by at desc, id desc)
  ) ranked where place > $2 or bytes > $3)`;

const columns = `id, at, project_id as "projectId", deployment_id as "deploymentId", revision_id as "revisionId", version_id as "versionId",
  version_number as "versionNumber", "rows", batch_rows as "batchRows", compute_micros as "computeMicros", payload`;

/** Real requests, kept for replays. */
export class RequestSampleStore {
  constructor(private readonly db: Queryable) {}

  /** Keeps them; those kept before stay as they are. */
  async add(samples: readonly NewRequestSample[]): Promise<void> {
    const column = <K extends keyof NewRequestSample>(key: K): NewRequestSample[K][] => samples.map((sample) => sample[key]);
    await this.db.query(insertRows, [
      column('id'),
      column('atMs'),
      column('projectId'),
      column('deploymentId'),
      column('revisionId'),
      column('versionId'),
      column('versionNumber'),
      column('represents'),
      column('rows'),
      column('batchRows'),
      column('computeMicros'),
      column('hasAnswer'),
      column('isRedacted'),
      column('payload'),
      column('summary'),
      column('keepHours'),
    ]);
  }

  /** Deletes the oldest above the bounds of a deployment. @returns how many. */
  async trim(deploymentId: string, { maxRequests, maxBytes }: Pick<RequestSamples, 'maxRequests' | 'maxBytes'>): Promise<number> {
    const { rowCount } = await this.db.query(trimRows, [deploymentId, maxRequests, maxBytes]);
    return rowCount ?? 0;
  }

  /** Deletes what is past its time, and what is left of deleted deployments. @returns how many. */
  async expire(): Promise<number> {
    const { rowCount } = await this.db.query(`
      delete from telemetry.request_samples s where expires_at < now()
        or not exists (select 1 from "Deployment" d where d."id" = s.deployment_id and d."deletedAt" is null)`);
    return rowCount ?? 0;
  }

  /** What is kept of a deployment. */
  async summary(deployment: { readonly id: string; readonly name: string }): Promise<RequestSamplesView> {
    const { rows } = await this.db.query<{
      version: number;
      requests: number;
      bytes: number;
      oldest: Date;
      newest: Date;
      represents: number;
      redacted: number;
    }>(
      `select version_number as "version", count(*)::integer as "requests", sum(bytes)::float8 as "bytes", min(at) as "oldest", max(at) as "newest",
        sum(represents)::float8 as "represents", (count(*) filter (where redacted))::integer as "redacted"
      from telemetry.request_samples where deployment_id = $1 and expires_at >= now() group by version_number order by version_number`,
      [deployment.id],
    );
    const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0);
    const times = rows.flatMap((row) => [row.oldest.getTime(), row.newest.getTime()]);
    const instant = (ms: number) => (rows.length === 0 ? null : new Date(ms).toISOString());
    return {
      deployment: deployment.name,
      requests: sum((row) => row.requests),
      bytes: sum((row) => row.bytes),
      oldestAt: instant(Math.min(...times)),
      newestAt: instant(Math.max(...times)),
      represents: sum((row) => row.represents),
      redacted: sum((row) => row.redacted),
      versions: rows.map(({ version, requests }) => ({ version, requests })),
    };
  }

  /** Deletes all of a deployment's. */
  async remove(deploymentId: string): Promise<{ requests: number; bytes: number }> {
    const { rows } = await this.db.query<{ requests: number; bytes: number }>(
      `with gone as (delete from telemetry.request_samples where deployment_id = $1 returning bytes)
      select count(*)::integer as "requests", coalesce(sum(bytes), 0)::float8 as "bytes" from gone`,
      [deploymentId],
    );
    return rows[0] ?? { requests: 0, bytes: 0 };
  }

  /** The newest `most` of a window: how many there are, and when the first and the last of them came; undefined when there is none. */
  async newest({ deploymentId, from, to }: SampleWindow, most: number): Promise<{ requests: number; from: Date; to: Date } | undefined> {
    const { rows } = await this.db.query<{ requests: number; from: Date | null; to: Date | null }>(
      `select count(*)::integer as "requests", min(at) as "from", max(at) as "to" from (
        select at from telemetry.request_samples where deployment_id = $1 and at between $2 and $3 and expires_at >= now()
        order by at desc, id desc limit $4) s`,
      [deploymentId, from, to, most],
    );
    const [row] = rows;
    if (row === undefined || row.from === null || row.to === null) return undefined;
    return { requests: row.requests, from: row.from, to: row.to };
  }

  /** The next of a window, oldest first. */
  async read({ deploymentId, from, to }: SampleWindow, after: SampleCursor | undefined, limit: number): Promise<RequestSample[]> {
    const { rows } = await this.db.query<RequestSample>(
      `select ${columns} from telemetry.request_samples
      where deployment_id = $1 and at between $2 and $3 and expires_at >= now() and ($4::timestamptz is null or (at, id) > ($4::timestamptz, $5::text))
      order by at, id limit $6`,
      [deploymentId, from, to, after?.at ?? null, after?.id ?? null, limit],
    );
    return rows;
  }

  /** The sealed summaries of those of these requests that are still kept. */
  async summaries(deploymentId: string, ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const { rows } = await this.db.query<{ id: string; summary: Uint8Array }>(
      `select id, summary from telemetry.request_samples where deployment_id = $1 and id = any($2) and expires_at >= now()`,
      [deploymentId, ids],
    );
    return new Map(rows.map(({ id, summary }) => [id, summary]));
  }
}
