import type { Task } from '@slipway/contracts';
import type { Pool, PoolClient } from 'pg';
import { withPartitions } from '../windows/partitions.store.js';
import { placeLabel } from './count-rows.js';
import { countLabelled, type GivenLabel } from './labelled-prediction.store.js';
import { type CountedPrediction, countPredicted } from './quality-window.store.js';

/** Rows of one transaction. */
const chunk = 2_000;

interface Left {
  readonly day: string;
  readonly part: 'predictions' | 'labels';
}

interface Keyed extends CountedPrediction {
  readonly id: string;
  readonly row: number;
}

type OldLabel = Keyed & Pick<GivenLabel, 'label' | 'labelNumber' | 'receivedAt'>;

/** The newest day first, its predictions before their labels. One worker at a time has a part. */
const selectLeft = `
select day::text as day, part from telemetry.quality_backfill order by day desc, part desc limit 1 for update`;
const facts = `(extract(epoch from p.at) * 1000)::float8 as "atMs", p.id, p."row", p.deployment_id as "deploymentId", p.version_number as "versionNumber",
  p.predicted, p.predicted_number as "predictedNumber", p.score, p.slices, p.outputs, p.probability::float8 as probability`;
/** $1 the day, $2 the part. */
const after = (key: string) => `b.day = $1::date and b.part = $2 and (${key}) > (b.after_at, b.after_id, b.after_row)`;
const within = (at: string) => `${at} >= b.after_at and ${at} < (b.day + 1)::timestamp at time zone 'UTC'`;
const selectPredictions = `
select ${facts} from telemetry.quality_backfill b join telemetry.predictions p on ${within('p.at')}
where p.before_quality and ${after('p.at, p.id, p."row"')}
order by p.at, p.id, p."row" limit ${chunk}`;
/** The newest label of each row. Rows with a label that counts already are passed over. */
const selectLabels = `
select distinct on (p.at, p.id, p."row") ${facts}, l.label, l.label_number as "labelNumber", l.received_at as "receivedAt"
from telemetry.quality_backfill b join telemetry.labels l on ${within('l.at')}
join telemetry.predictions p on p.at = l.at and p.id = l.prediction_id and p."row" = l."row"
where p.before_quality and ${after('l.at, l.prediction_id, l."row"')}
  and not exists (select 1 from telemetry.labelled_predictions c where c.at = l.at and c.prediction_id = l.prediction_id and c."row" = l."row")
order by p.at, p.id, p."row", l.received_at desc limit ${chunk}`;
const noteCounted = `
update telemetry.quality_backfill set after_at = to_timestamp($3::float8 / 1000.0), after_id = $4, after_row = $5 where day = $1::date and part = $2`;
const removePart = 'delete from telemetry.quality_backfill where day = $1::date and part = $2';

/** Tasks of versions that a deployment served, by number. */
type TasksOf = (deploymentId: string, versions: readonly number[]) => Promise<ReadonlyMap<number, Task>>;

/**
 * Counts what was stored before windows of quality were kept: day by day, the newest first, each row once. Where it is stands in the database and moves
 * in the transaction that counts, so it goes on after whatever ended it.
 */
export class QualityBackfillStore {
  constructor(
    private readonly db: Pool,
    private readonly tasksOf: TasksOf,
  ) {}

  /** Counts the next rows. @returns how many; undefined when nothing is left */
  async step(nowMs = Date.now()): Promise<number | undefined> {
    const { rows } = await this.db.query<{ at: number }>(
      'select extract(epoch from max(day)::timestamp) * 1000 as at from telemetry.quality_backfill',
    );
    const newestMs = Number(rows[0]?.at ?? 0);
    if (newestMs === 0) return undefined;
    return withPartitions(this.db, [newestMs], () => this.inTransaction((client) => this.stepIn(client, nowMs)));
  }

  private async stepIn(client: PoolClient, nowMs: number): Promise<number | undefined> {
    const { rows } = await client.query<Left>(selectLeft);
    const [left] = rows;
    if (left === undefined) return undefined;
    const counted = left.part === 'predictions' ? await this.countPredictions(client, left, nowMs) : await this.countLabels(client, left, nowMs);
    const last = counted.at(-1);
    const isOver = last === undefined || counted.length < chunk;
    if (isOver) await client.query(removePart, [left.day, left.part]);
    else await client.query(noteCounted, [left.day, left.part, last.atMs, last.id, last.row]);
    return counted.length;
  }

  private async countPredictions(client: PoolClient, { day, part }: Left, nowMs: number): Promise<readonly Keyed[]> {
    const { rows } = await client.query<Keyed>(selectPredictions, [day, part]);
    await countPredicted(client, rows, nowMs);
    return rows;
  }

  private async countLabels(client: PoolClient, { day, part }: Left, nowMs: number): Promise<readonly Keyed[]> {
    const { rows } = await client.query<OldLabel>(selectLabels, [day, part]);
    const tasks = new Map<string, ReadonlyMap<number, Task>>();
    for (const deploymentId of new Set(rows.map((row) => row.deploymentId))) {
      const versions = rows.filter((row) => row.deploymentId === deploymentId).map(({ versionNumber }) => versionNumber);
      tasks.set(deploymentId, await this.tasksOf(deploymentId, [...new Set(versions)]));
    }
    const given = rows.map((row): GivenLabel => {
      const task = tasks.get(row.deploymentId)?.get(row.versionNumber);
      return { ...row, ...placeLabel(row.label, task, row.outputs ?? null) };
    });
    await countLabelled(client, given, nowMs);
    return rows;
  }

  private async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.db.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}
