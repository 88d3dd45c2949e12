import { SlipwayError } from '@slipway/contracts';
import type { Pool, PoolClient } from 'pg';
import { type HistoryState, type KeptEntry, type KeptRow, type RowChange, rebuildState, stateOf } from './history-state.js';

/** A place in the order of events, or a time. */
export type HistoryPoint = { readonly position: number } | { readonly at: Date };

/** A change with its place, and the event that tells of it. */
export interface PlacedChange extends RowChange {
  readonly sequence: number;
  readonly position: number;
  /** The event's sequence; null where none was written. */
  readonly event: number | null;
  /** The same for changes that were made together. */
  readonly transaction: string;
  readonly at: Date;
}

/** The state of a project at one place in the order of events. */
export interface PlacedState {
  readonly position: number;
  /** When the last change that it holds was made; undefined: nothing had happened yet. */
  readonly at: Date | undefined;
  readonly state: HistoryState;
}

/** A recorded state, told by the tables and not by the changes. */
export interface Snapshot {
  readonly sequence: number;
  readonly position: number;
  readonly at: Date;
  readonly state: HistoryState;
}

/** So many changes follow a snapshot before the next one; in a large project as many as it has rows, so that snapshots stay in proportion. */
export const changesPerSnapshot = 500;
/** Changes that are read at a time. */
const chunk = 5_000;
/** Writers wait while a snapshot is taken, so it gives up quickly when it cannot have its turn. */
const lockTimeoutMs = 500;

interface ChangeRow {
  sequence: string;
  position: string;
  event: string | null;
  transaction: string;
  kind: string;
  id: string;
  at: Date;
  after: KeptRow | null;
}
interface SnapshotRow {
  sequence: string;
  position: string;
  at: Date;
  state: KeptEntry[];
}

const changeColumns = '"sequence", "position", "event", "transaction", "kind", "row_id" as "id", "at", "after"';

/** The history of projects: what changed, the state at any time, recorded snapshots. The database writes the changes itself. */
export class HistoryStore {
  constructor(private readonly pool: Pool) {}

  /** When the history begins: from then on every change was kept. */
  async since(): Promise<Date> {
    const { rows } = await this.pool.query<{ since: Date | null }>('select min(since) as since from history.sources');
    return rows[0]?.since ?? new Date(0);
  }

  /**
   * The place in the order of events that a point means: for a time, the last change up to it.
   * @throws SlipwayError HISTORY_UNAVAILABLE for a time before the history begins.
   */
  async positionOf(projectId: string, point: HistoryPoint): Promise<number> {
    if ('position' in point) return point.position;
    const since = await this.since();
    if (point.at < since) {
      throw new SlipwayError(
        'HISTORY_UNAVAILABLE',
        `changes are kept since ${since.toISOString()}; what was at ${point.at.toISOString()} is not known`,
      );
    }
    const { rows } = await this.pool.query<{ position: string }>(
      'select "position" from history.changes where project_id = $1 and "at" <= $2 order by "at" desc, "sequence" desc limit 1',
      [projectId, point.at],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /** The state of a project after everything up to a point. @throws SlipwayError HISTORY_UNAVAILABLE */
  async stateAt(projectId: string, point: HistoryPoint): Promise<PlacedState> {
    const position = await this.positionOf(projectId, point);
    const base = await this.snapshotBefore(projectId, position);
    let state = base?.state ?? new Map();
    let at = base?.at;
    for await (const changes of this.changes(projectId, { after: base?.sequence ?? 0, upTo: position })) {
      state = rebuildState(state, changes);
      at = changes.at(-1)?.at ?? at;
    }
    return { position, at, state };
  }

  /** Changes after a sequence and up to a position, in the order in which they count, some thousands at a time. */
  async *changes(projectId: string, range: { readonly after: number; readonly upTo: number }): AsyncGenerator<readonly PlacedChange[]> {
    let [position, sequence] = [-1, -1];
    for (;;) {
      const { rows } = await this.pool.query<ChangeRow>(
        `select ${changeColumns} from history.changes where project_id = $1 and "sequence" > $2 and "position" <= $3
           and ("position", "sequence") > ($4, $5) order by "position", "sequence" limit $6`,
        [projectId, range.after, range.upTo, position, sequence, chunk],
      );
      const changes = rows.map(toChange);
      if (changes.length > 0) yield changes;
      const last = changes.at(-1);
      if (last === undefined || changes.length < chunk) return;
      ({ position, sequence } = last);
    }
  }

  /** All changes of some rows, in their order; at most `limit`, the newest. */
  async changesOfRows(projectId: string, kind: string, ids: readonly string[], limit = 10_000): Promise<PlacedChange[]> {
    const { rows } = await this.pool.query<ChangeRow>(
      `select ${changeColumns} from history.changes where kind = $2 and row_id = any($3) and project_id = $1 order by "sequence" desc limit $4`,
      [projectId, kind, ids, limit],
    );
    return rows.map(toChange).reverse();
  }

  /** All changes of the rows of a kind that belong to one deployment. */
  async changesOfDeployment(projectId: string, kind: string, deploymentId: string, limit = 10_000): Promise<PlacedChange[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select distinct row_id as id from history.changes where project_id = $1 and kind = $2 and "after" ->> 'deploymentId' = $3`,
      [projectId, kind, deploymentId],
    );
    return this.changesOfRows(
      projectId,
      kind,
      rows.map((row) => row.id),
      limit,
    );
  }

  /** Ids of the rows of a kind that ever had this name (whatever its case), oldest first. */
  async idsNamed(projectId: string, kind: string, name: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select row_id as id from history.changes where project_id = $1 and kind = $2 and lower("after" ->> 'name') = lower($3)
       group by row_id order by min("sequence") limit 1000`,
      [projectId, kind, name],
    );
    return rows.map((row) => row.id);
  }

  /** The last known form of a row, also of one that was removed; undefined when it never was in this project. */
  async lastForm(projectId: string, kind: string, id: string): Promise<KeptRow | undefined> {
    const { rows } = await this.pool.query<{ after: KeptRow }>(
      'select "after" from history.changes where kind = $2 and row_id = $3 and project_id = $1 and "after" is not null order by "sequence" desc limit 1',
      [projectId, kind, id],
    );
    return rows[0]?.after;
  }

  /** Projects in which enough has changed since their last snapshot. */
  async dueProjects(): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select p.id from "Project" p
       left join lateral (select "sequence", row_count from history.snapshots where project_id = p.id order by "sequence" desc limit 1) s on true
       where (select count(*) from (select 1 from history.changes where project_id = p.id and "sequence" > coalesce(s."sequence", 0)
                limit greatest($1, coalesce(s.row_count, 0))) c) >= greatest($1, coalesce(s.row_count, 0))
       order by p.id limit 1000`,
      [changesPerSnapshot],
    );
    return rows.map((row) => row.id);
  }

  /**
   * Records the state of a project as its tables have it. While it reads, no change is under way anywhere: every change before it is in the
   * snapshot and every later one is not.
   * @returns false when writers left it no turn; the next call may have one.
   */
  async takeSnapshot(projectId: string): Promise<boolean> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      // Whoever writes a change or an event holds a lock on this table until the end of its transaction.
      await client.query('lock table history.changes in share mode');
      await writeSnapshot(client, projectId);
      await client.query('commit');
      return true;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      if (error instanceof Error && Reflect.get(error, 'code') === '55P03') return false;
      throw error;
    } finally {
      client.release();
    }
  }

  /** Recorded snapshots, oldest first, without their states. */
  async snapshots(projectId: string): Promise<{ readonly sequence: number; readonly position: number; readonly at: Date }[]> {
    const { rows } = await this.pool.query<SnapshotRow>(
      'select "sequence", "position", "at" from history.snapshots where project_id = $1 order by "sequence" limit 10000',
      [projectId],
    );
    return rows.map((row) => ({ sequence: Number(row.sequence), position: Number(row.position), at: row.at }));
  }

  async snapshot(projectId: string, sequence: number): Promise<Snapshot | undefined> {
    return this.readSnapshot('"sequence" = $2', projectId, sequence);
  }

  private snapshotBefore(projectId: string, position: number): Promise<Snapshot | undefined> {
    return this.readSnapshot('"position" <= $2', projectId, position);
  }

  private async readSnapshot(condition: string, projectId: string, value: number): Promise<Snapshot | undefined> {
    const { rows } = await this.pool.query<SnapshotRow>(
      `select "sequence", "position", "at", "state" from history.snapshots where project_id = $1 and ${condition} order by "sequence" desc limit 1`,
      [projectId, value],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    return { sequence: Number(row.sequence), position: Number(row.position), at: row.at, state: stateOf(row.state) };
  }
}

/** Positions are taken from the counter of events: every change that follows gets this one or a later one. */
async function writeSnapshot(client: PoolClient, projectId: string): Promise<void> {
  await client.query(
    `insert into history.snapshots (project_id, "sequence", "position", "at", row_count, "state")
     select $1, coalesce((select max("sequence") from history.changes where project_id = $1), 0),
       (select case when is_called then last_value else 0 end from "Event_sequence_seq"), clock_timestamp(),
       count(*), coalesce(jsonb_agg(jsonb_build_object('kind', r.kind, 'id', r.id, 'row', r."row")), '[]')
     from history.rows_of($1) r
     on conflict do nothing`,
    [projectId],
  );
}

function toChange(row: ChangeRow): PlacedChange {
  const { kind, id, at, after, transaction } = row;
  return {
    kind,
    id,
    at,
    after,
    transaction,
    sequence: Number(row.sequence),
    position: Number(row.position),
    event: row.event === null ? null : Number(row.event),
  };
}
