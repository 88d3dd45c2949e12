import type { Page, PredictionListQuery, RecordedOutputs } from '@slipway/contracts';
import { decodeCursor, encodeCursor, pageFrom } from '@slipway/platform';
import type { Pool, PoolClient } from 'pg';
import { withPartitions } from '../windows/partitions.store.js';
import { parsePredictionRef } from './prediction-id.js';
import type { PredictionRow } from './spool-line.js';

/** Rows per transaction. */
const chunk = 2_000;
/** A gateway's clock, whose time is in the ids, may be ahead of this one. */
const clockAllowanceMs = 300_000;

const columns = [
  ['at_ms', 'float8'],
  ['id', 'text'],
  ['row', 'integer'],
  ['project_id', 'text'],
  ['deployment_id', 'text'],
  ['revision_id', 'text'],
  ['version_id', 'text'],
  ['version_number', 'integer'],
  ['client_id', 'text'],
  ['predicted', 'text'],
  ['predicted_number', 'float8'],
  ['score', 'float8'],
  ['queue_micros', 'integer'],
  ['compute_micros', 'integer'],
  ['rows', 'integer'],
  ['probability', 'real'],
  ['slices', 'jsonb'],
  ['join_key', 'text'],
  ['outputs', 'jsonb'],
  ['inputs', 'bytea'],
] as const;
const idColumn = columns.findIndex(([name]) => name === 'id');
const quoted = columns.map(([name]) => `"${name}"`);

/**
 * Arriving twice (a worker killed between commit and noting it) changes nothing. A column that says the same of all rows, as most do, is given once and
 * not as a list: half of what storing a row costs.
 */
function insertRows(isOne: readonly boolean[]): string {
  const places = columns.map(([, type], at) => `$${at + 1}::${type}`);
  const listed = columns.flatMap((_, at) => (isOne[at] === true ? [] : [at]));
  const told = columns.map((_, at) => (isOne[at] === true ? places[at] : `p.${quoted[at]}`));
  return `
insert into telemetry.predictions (at, ${quoted.slice(1).join(', ')})
select to_timestamp(${told[0]} / 1000.0), ${told.slice(1).join(', ')}
from unnest(${listed.map((at) => `${places[at]}[]`).join(', ')}) as p(${listed.map((at) => quoted[at]).join(', ')})
on conflict (at, id, "row") do nothing`;
}

/** A stored prediction row with the newest label given to it. */
export interface StoredPrediction extends Omit<PredictionRow, 'rows'> {
  readonly projectId: string;
  readonly label: string | null;
  readonly labelNumber: number | null;
  readonly labelledAt: Date | null;
}

const stored = `(extract(epoch from p.at) * 1000)::float8 as "atMs", p.id, p."row", p.project_id as "projectId", p.deployment_id as "deploymentId",
  p.revision_id as "revisionId", p.version_id as "versionId", p.version_number as "versionNumber", p.client_id as "clientId", p.predicted,
  p.predicted_number as "predictedNumber", p.score, p.queue_micros as "queueMicros", p.compute_micros as "computeMicros",
  coalesce(p.probability, 1)::float8 as probability, p.slices, p.join_key as "joinKey", p.outputs, p.inputs,
  l.label, l.label_number as "labelNumber", l.received_at as "labelledAt"`;
const newestLabel = `left join lateral (
  select label, label_number, received_at from telemetry.labels
  where at = p.at and prediction_id = p.id and "row" = p."row" order by received_at desc limit 1
) l on true`;
/** Records looked through for a page that a filter makes thin. */
const scannedMax = 5_000;
/** $1 deployment, $2 from, $3 to, $4–6 the key of the row before, $7 how many are looked through, newest first. */
const scanned = `
select * from telemetry.predictions
where deployment_id = $1 and at >= $2 and at < $3
  and ($4::float8 is null or (at <= to_timestamp($4 / 1000.0) and (at, id, "row") < (to_timestamp($4 / 1000.0), $5::text, $6::integer)))
order by at desc, id desc, "row" desc limit $7`;
/** $8 version, $9 slice, $10 label, $11 how many are wanted. */
const selectList = `
select ${stored} from (${scanned}) p ${newestLabel}
where ($8::integer is null or p.version_number = $8) and ($9::jsonb is null or p.slices @> $9)
  and ($10::text is null or case $10 when 'none' then l.received_at is null when 'any' then l.received_at is not null
    else l.label <> p.predicted or l.label_number <> p.predicted_number end)
order by p.at desc, p.id desc, p."row" desc limit $11`;
const selectLastScanned = `
select count(*) over ()::integer as count, (extract(epoch from at) * 1000)::float8 as "atMs", id, "row" from (${scanned}) p order by at, id, "row" limit 1`;

const selectRows = `
select ${stored} from telemetry.predictions p ${newestLabel}
where p.at = to_timestamp($1::float8 / 1000.0) and p.id = $2 and p.project_id = $3 and ($4::integer is null or p."row" = $4)
order by p."row" limit 1000`;

/** Does further work in the transaction that stores rows, for instance counts them. */
export type CountRows = (client: PoolClient, rows: readonly PredictionRow[]) => Promise<void>;

/** Prediction records: written in bulk from the instances' spools, read by id. */
export class PredictionStore {
  /** @param count told of rows that are stored for the first time, each once, in the transaction that stores them. */
  constructor(
    private readonly db: Pool,
    private readonly count?: CountRows,
  ) {}

  /**
   * Stores rows; those stored before stay as they are.
   * @param projects project id by deployment id; rows of other deployments are left out.
   * @returns how many were new.
   */
  async insert(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): Promise<number> {
    const known = rows.filter(({ deploymentId }) => projects.has(deploymentId));
    let inserted = 0;
    for (let at = 0; at < known.length; at += chunk) {
      const some = known.slice(at, at + chunk);
      const times = some.map(({ atMs }) => atMs);
      inserted += await withPartitions(this.db, times, () => this.insertChunk(some, projects));
    }
    return inserted;
  }

  /** The rows of a prediction, one row for `prd_…#k`; empty when there is none in this project. */
  async find(projectId: string, predictionId: string): Promise<StoredPrediction[]> {
    const ref = parsePredictionRef(predictionId);
    if (ref === undefined) return [];
    const { rows } = await this.db.query<StoredPrediction>(selectRows, [ref.atMs, ref.id, projectId, ref.row ?? null]);
    return rows;
  }

  /** Records of a deployment, newest first. A filter looks through so many of them at a time, so that a page may be thin and still have a next one. */
  async list(deploymentId: string, query: PredictionListQuery, nowMs: number): Promise<Page<StoredPrediction>> {
    const { version, slice, label, limit } = query;
    const [from, to] = [query.from ?? new Date(0).toISOString(), query.to ?? new Date(nowMs + clockAllowanceMs).toISOString()];
    const list = `predictions:${deploymentId}:${query.from ?? ''}:${query.to ?? ''}:${version ?? ''}:${slice ?? ''}:${label ?? ''}`;
    const before = positionOf(decodeCursor(list, query.cursor));
    const hasFilter = version !== undefined || slice !== undefined || label !== undefined;
    const range = [deploymentId, from, to, before?.atMs ?? null, before?.id ?? null, before?.row ?? null, hasFilter ? scannedMax : limit + 1];
    const filter = [version ?? null, slice === undefined ? null : JSON.stringify(sliceOf(slice)), label ?? null, limit + 1];
    const { rows } = await this.db.query<StoredPrediction>(selectList, [...range, ...filter]);
    if (rows.length > limit || !hasFilter) return pageFrom(rows, { list, limit, positionOf: textOfPosition, toView: (row) => row });
    const last = await this.db.query<Position & { count: number }>(selectLastScanned, range);
    const [end] = last.rows;
    const isOver = end === undefined || end.count < scannedMax;
    return isOver ? { items: rows } : { items: rows, nextCursor: encodeCursor(list, textOfPosition(end)) };
  }

  /** One transaction: the rows, and what is counted of those among them that are new. */
  private async insertChunk(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): Promise<number> {
    const client = await this.db.connect();
    try {
      await client.query('begin');
      const inserted = await insertNew(client, rows, projects);
      if (inserted.length > 0) await this.count?.(client, inserted);
      await client.query('commit');
      return inserted.length;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}

type Position = Pick<PredictionRow, 'atMs' | 'id' | 'row'>;

function textOfPosition({ atMs, id, row }: Position): string {
  return `${atMs} ${id} ${row}`;
}

function positionOf(text: string | undefined): Position | undefined {
  const [atMs, id, row] = text?.split(' ') ?? [];
  return id === undefined ? undefined : { atMs: Number(atMs), id, row: Number(row) };
}

function sliceOf(text: string): Record<string, string> {
  const at = text.indexOf('=');
  return { [text.slice(0, at)]: text.slice(at + 1) };
}

/** Nearly always all rows are new, and then nothing needs to be told; else the statement is done again and says which ones were. */
async function insertNew(
  client: PoolClient,
  rows: readonly PredictionRow[],
  projects: ReadonlyMap<string, string>,
): Promise<readonly PredictionRow[]> {
  const { statement, values } = insertOf(rows, projects);
  await client.query('savepoint rows');
  const { rowCount } = await client.query(statement, values);
  if (rowCount === rows.length) return rows;
  await client.query('rollback to savepoint rows');
  const told = await client.query<{ id: string; row: number }>(`${statement} returning id, "row"`, values);
  const left = new Set(told.rows.map(keyOf));
  // A key that is twice among them is stored, and counted, once.
  return rows.filter((row) => left.delete(keyOf(row)));
}

function keyOf({ id, row }: Pick<PredictionRow, 'id' | 'row'>): string {
  return `${id}#${row}`;
}

function insertOf(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): { statement: string; values: unknown[] } {
  const lists = valuesOf(rows, projects);
  // Ids are always a list, so that there is one to count rows by.
  const isOne = lists.map((list, at) => at !== idColumn && list.every((value) => value === list[0]));
  return { statement: insertRows(isOne), values: lists.map((list, at) => (isOne[at] === true ? list[0] : list)) };
}

/** By position of `columns`. */
function valuesOf(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): unknown[][] {
  return [
    rows.map(({ atMs }) => atMs),
    rows.map(({ id }) => id),
    rows.map(({ row }) => row),
    rows.map(({ deploymentId }) => projects.get(deploymentId)),
    rows.map(({ deploymentId }) => deploymentId),
    rows.map(({ revisionId }) => revisionId),
    rows.map(({ versionId }) => versionId),
    rows.map(({ versionNumber }) => versionNumber),
    rows.map(({ clientId }) => clientId),
    rows.map(({ predicted }) => predicted),
    rows.map(({ predictedNumber }) => predictedNumber),
    rows.map(({ score }) => score),
    rows.map(({ queueMicros }) => queueMicros),
    rows.map(({ computeMicros }) => computeMicros),
    rows.map((row) => row.rows),
    rows.map(({ probability }) => (probability < 1 ? probability : null)),
    rows.map(({ slices }) => jsonOf(slices)),
    rows.map(({ joinKey }) => joinKey),
    rows.map(({ outputs }) => jsonOf(outputs)),
    rows.map(({ inputs }) => inputs),
  ];
}

function jsonOf(value: Readonly<Record<string, string>> | RecordedOutputs | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
