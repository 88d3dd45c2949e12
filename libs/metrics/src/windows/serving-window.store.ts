import { outcomes } from '@slipway/contracts';
import { type Queryable, withPartitions } from './partitions.store.js';
import type { ServingWindow } from './serving-window.js';

const columns = `start_at, project_id, deployment_id, revision_id, version_number, role, source, requests, "rows", outcomes, duration_buckets,
  queue_buckets, compute_buckets, decode_buckets, encode_buckets, batch_buckets, runs, run_rows, request_bytes, response_bytes`;

/** The row holds running totals of one source, so the later write is the larger one and writing twice is harmless. */
const upsert = `
insert into telemetry.serving_windows (${columns})
select ${columns} from jsonb_to_recordset($1::jsonb) as w(start_at timestamptz, project_id text, deployment_id text, revision_id text,
  version_number integer, role text, source text, requests bigint, "rows" bigint, outcomes jsonb, duration_buckets bigint[], queue_buckets bigint[],
  compute_buckets bigint[], decode_buckets bigint[], encode_buckets bigint[], batch_buckets bigint[], runs bigint, run_rows bigint, request_bytes bigint,
  response_bytes bigint)
order by start_at, deployment_id, revision_id, role
on conflict (start_at, deployment_id, revision_id, role, source) do update set requests = excluded.requests, "rows" = excluded."rows",
  outcomes = excluded.outcomes, duration_buckets = excluded.duration_buckets, queue_buckets = excluded.queue_buckets,
  compute_buckets = excluded.compute_buckets, decode_buckets = excluded.decode_buckets, encode_buckets = excluded.encode_buckets,
  batch_buckets = excluded.batch_buckets, runs = excluded.runs, run_rows = excluded.run_rows, request_bytes = excluded.request_bytes, response_bytes = excluded.response_bytes
where serving_windows.requests <= excluded.requests`;

/** Rows per statement, so that an hour's backlog stays within the statement timeout. */
const chunk = 500;

/** Writes windows of ten seconds as rows of running totals. */
export class ServingWindowStore {
  /** @param source names the counting process; another one for each start, or its totals would replace those of before. */
  constructor(
    private readonly db: Queryable,
    private readonly source: string,
  ) {}

  async write(windows: readonly ServingWindow[]): Promise<void> {
    for (let at = 0; at < windows.length; at += chunk) await this.writeChunk(windows.slice(at, at + chunk));
  }

  private async writeChunk(windows: readonly ServingWindow[]): Promise<void> {
    const rows = JSON.stringify(windows.map((window) => this.rowOf(window)));
    await withPartitions(
      this.db,
      windows.map(({ startAtMs }) => startAtMs),
      () => this.db.query(upsert, [rows]),
    );
  }

  private rowOf({ owner, startAtMs, sums }: ServingWindow): Record<string, unknown> {
    return {
      start_at: new Date(startAtMs).toISOString(),
      project_id: owner.projectId,
      deployment_id: owner.deploymentId,
      revision_id: owner.revisionId,
      version_number: owner.versionNumber,
      role: owner.role,
      source: this.source,
      requests: sums.requests,
      rows: sums.rows,
      outcomes: Object.fromEntries(outcomes.map((outcome, index) => [outcome, sums.outcomes[index] ?? 0]).filter(([, count]) => count !== 0)),
      duration_buckets: [...sums.duration],
      queue_buckets: [...sums.queue],
      compute_buckets: [...sums.compute],
      decode_buckets: [...sums.decode],
      encode_buckets: [...sums.encode],
      batch_buckets: [...sums.batch],
      runs: sums.runs,
      run_rows: sums.runRows,
      request_bytes: sums.requestBytes,
      response_bytes: sums.responseBytes,
    };
  }
}
