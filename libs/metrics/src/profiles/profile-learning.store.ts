import { unsealBytes } from '@slipway/platform';
import type { Pool } from 'pg';
import type { ColumnValues } from './build-layout.js';
import { decodeLearnedRows, joinLearnedRows, type LearnedRows, learnedRowsPurpose } from './learned-rows.js';

/** A piece of the first rows of a version, as an instance wrote it. */
export interface LearnedPiece {
  readonly versionId: string;
  readonly deploymentId: string;
  /** Who wrote it, and its place among what that wrote: a piece that comes twice is kept once. */
  readonly source: string;
  readonly sequence: number;
  readonly rows: number;
  readonly layoutId: string;
  /** Sealed with the record key of the deployment. */
  readonly body: Buffer;
}

/** The first rows of a version, in the layout that its signature gives. */
export interface Learning {
  readonly layoutId: string;
  readonly rows: number;
  /** By the position of the layout's columns. */
  readonly columns: readonly ColumnValues[];
}

const insertPiece = `
insert into telemetry.profile_learning (version_id, source, sequence, deployment_id, layout_id, "rows", body)
select $1, $2, $3, $4, $5, $6, $7
where (select coalesce(sum("rows"), 0) from telemetry.profile_learning where version_id = $1) < $8
on conflict (version_id, source, sequence) do nothing`;

/** First rows are forgotten after so many days, whether a reference came of them or not. */
const keepDays = 7;

/** First rows of versions without a reference, kept until one is made of them. */
export class ProfileLearningStore {
  constructor(private readonly db: Pick<Pool, 'query'>) {}

  /** Keeps a piece unless the version has enough rows. */
  async add(piece: LearnedPiece, rowsWanted: number): Promise<void> {
    const { versionId, source, sequence, deploymentId, layoutId, rows, body } = piece;
    await this.db.query(insertPiece, [versionId, source, sequence, deploymentId, layoutId, rows, body, rowsWanted]);
  }

  /** How many rows there are, by version. */
  async rowsOf(versionIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.db.query<{ id: string; n: number }>(
      'select version_id as id, sum("rows")::float8 as n from telemetry.profile_learning where version_id = any($1) group by 1',
      [versionIds],
    );
    return new Map(rows.map(({ id, n }) => [id, n]));
  }

  /**
   * The rows of a version so far, those of the layout that has most of them; undefined when there are none.
   * @param keyOf the record key of a deployment; pieces that do not open under it are passed over
   */
  async learning(versionId: string, keyOf: (deploymentId: string) => Uint8Array): Promise<Learning | undefined> {
    const { rows } = await this.db.query<Pick<LearnedPiece, 'deploymentId' | 'source' | 'sequence' | 'body'>>(
      'select deployment_id as "deploymentId", source, sequence, body from telemetry.profile_learning where version_id = $1 order by at, source, sequence limit 10000',
      [versionId],
    );
    const byLayout = new Map<string, LearnedRows[]>();
    for (const piece of rows) {
      const part = openPiece(keyOf(piece.deploymentId), { ...piece, versionId });
      if (part === undefined) continue;
      const parts = byLayout.get(part.layoutId);
      if (parts === undefined) byLayout.set(part.layoutId, [part]);
      else parts.push(part);
    }
    const [parts] = [...byLayout.values()].sort((a, b) => rowsIn(b) - rowsIn(a));
    const [first] = parts ?? [];
    if (parts === undefined || first === undefined) return undefined;
    return { layoutId: first.layoutId, rows: rowsIn(parts), columns: joinLearnedRows(parts) };
  }

  /** Called when a reference was made: raw values are kept no longer than they are needed. */
  async forget(versionId: string): Promise<void> {
    await this.db.query('delete from telemetry.profile_learning where version_id = $1', [versionId]);
  }

  /** Forgets what nobody made a reference of. */
  async forgetOld(nowMs: number): Promise<number> {
    const result = await this.db.query('delete from telemetry.profile_learning where at < to_timestamp($1::float8 / 1000.0)', [
      nowMs - keepDays * 86_400_000,
    ]);
    return result.rowCount ?? 0;
  }
}

function openPiece(key: Uint8Array, piece: Pick<LearnedPiece, 'versionId' | 'source' | 'sequence' | 'body'>): LearnedRows | undefined {
  try {
    return decodeLearnedRows(unsealBytes(key, piece.body, learnedRowsPurpose(piece)));
  } catch {
    return undefined;
  }
}

function rowsIn(parts: readonly LearnedRows[]): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}
