import type { FailureSample, InstanceFailure, InstanceFailureReason } from '@slipway/contracts';
import { iso } from '../series/series-frame.js';
import { type Queryable, withPartitions } from '../windows/partitions.store.js';
import type { KeptFailure } from './failure-sampler.js';

/** An instance that ended without having been asked to, as its worker saw it. */
export interface EndedInstance {
  readonly id: string;
  readonly atMs: number;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly revisionId: string;
  readonly versionNumber: number;
  readonly instanceId: string;
  readonly hostId: string;
  readonly reason: InstanceFailureReason;
  readonly signal: string | null;
  readonly exitCode: number | null;
  readonly wasReady: boolean;
  readonly restarts: boolean;
  readonly message: string;
}

/** Failures of a kind in a span. */
export interface InstanceFailureCount {
  readonly reason: InstanceFailureReason;
  readonly version: number;
  readonly count: number;
}

const insertInstances = `
insert into telemetry.instance_failures (at, id, project_id, deployment_id, revision_id, version_number, instance_id, host_id, reason, signal, exit_code, was_ready,
  restarts, message)
select at, id, project_id, deployment_id, revision_id, version_number, instance_id, host_id, reason, signal, exit_code, was_ready, restarts, message
from jsonb_to_recordset($1::jsonb) as f(at timestamptz, id text, project_id text, deployment_id text, revision_id text, version_number integer, instance_id text,
  host_id text, reason text, signal text, exit_code integer, was_ready boolean, restarts boolean, message text)
on conflict do nothing`;
const insertSamples = `
insert into telemetry.failure_samples (at, prediction_id, project_id, deployment_id, revision_id, version_number, reason, code, message)
select at, prediction_id, project_id, deployment_id, revision_id, version_number, reason, code, message
from jsonb_to_recordset($1::jsonb) as f(at timestamptz, prediction_id text, project_id text, deployment_id text, revision_id text, version_number integer,
  reason text, code text, message text)
on conflict do nothing`;

interface Span {
  readonly deploymentId: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly version?: number | undefined;
}

const ofSpan = 'deployment_id = $1 and at >= $2 and at < $3 and ($4::integer is null or version_number = $4)';

/** Ends of instances and samples of failed requests. Writing a row twice is harmless. */
export class FailureStore {
  constructor(private readonly db: Queryable) {}

  async writeInstances(ended: readonly EndedInstance[]): Promise<void> {
    const rows = ended.map((one) => ({
      at: iso(one.atMs),
      id: one.id,
      project_id: one.projectId,
      deployment_id: one.deploymentId,
      revision_id: one.revisionId,
      version_number: one.versionNumber,
      instance_id: one.instanceId,
      host_id: one.hostId,
      reason: one.reason,
      signal: one.signal,
      exit_code: one.exitCode,
      was_ready: one.wasReady,
      restarts: one.restarts,
      message: one.message.replaceAll('\0', '\uFFFD'),
    }));
    await this.insert(insertInstances, rows, ended);
  }

  async writeSamples(samples: readonly KeptFailure[]): Promise<void> {
    const rows = samples.map((one) => ({
      at: iso(one.atMs),
      prediction_id: one.predictionId,
      project_id: one.projectId,
      deployment_id: one.deploymentId,
      revision_id: one.revisionId,
      version_number: one.versionNumber,
      reason: one.reason,
      code: one.code,
      message: one.message,
    }));
    await this.insert(insertSamples, rows, samples);
  }

  /** The newest first. */
  async instances(span: Span, limit: number): Promise<InstanceFailure[]> {
    const { rows } = await this.db.query<Omit<InstanceFailure, 'at'> & { at: Date }>(
      `select id, at, instance_id as instance, version_number as version, host_id as host, reason, signal, exit_code as "exitCode", was_ready as "wasReady",
         restarts, message from telemetry.instance_failures where ${ofSpan} order by at desc, id limit $5`,
      [...valuesOf(span), limit],
    );
    return rows.map(({ at, ...row }) => ({ ...row, at: at.toISOString() }));
  }

  /** Counts per step, version and reason. */
  async instanceSteps(span: Span, stepSeconds: number): Promise<(InstanceFailureCount & { readonly atMs: number })[]> {
    const { rows } = await this.db.query<InstanceFailureCount & { at: Date }>(
      `select date_bin(make_interval(secs => $5), at, 'epoch'::timestamptz) as at, reason, version_number as version, count(*)::float8 as count
       from telemetry.instance_failures where ${ofSpan} group by 1, 2, 3 order by 1, 2, 3`,
      [...valuesOf(span), stepSeconds],
    );
    return rows.map(({ at, ...row }) => ({ ...row, atMs: at.getTime() }));
  }

  /** The newest first. */
  async samples(span: Span, limit: number): Promise<FailureSample[]> {
    const { rows } = await this.db.query<Omit<FailureSample, 'at' | 'version'> & { at: Date; version: number }>(
      `select prediction_id as "predictionId", at, version_number as version, reason, code, message from telemetry.failure_samples
       where ${ofSpan} order by at desc, prediction_id limit $5`,
      [...valuesOf(span), limit],
    );
    return rows.map(({ at, version, ...row }) => ({ ...row, at: at.toISOString(), version: version === 0 ? null : version }));
  }

  private async insert(statement: string, rows: readonly object[], of: readonly { readonly atMs: number }[]): Promise<void> {
    await withPartitions(
      this.db,
      of.map(({ atMs }) => atMs),
      () => this.db.query(statement, [JSON.stringify(rows)]),
    );
  }
}

function valuesOf({ deploymentId, fromMs, toMs, version }: Span): unknown[] {
  return [deploymentId, iso(fromMs), iso(toMs), version ?? null];
}
