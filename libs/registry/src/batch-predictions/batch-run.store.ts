import { BatchPredictionOptions, type BatchPredictionStatus, limits, type ResultFormat, type TableFormat } from '@slipway/contracts';
import { type Database, enqueue, lockLostRows, Prisma, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { lockDigest } from '../artefacts/artefact-reference.store.js';
import type { ArtefactStore, StagedArtefact } from '../artefacts/artefact-store.js';
import { digestsOf, subjectOf } from './batch-prediction.store.js';
import {
  BatchPosition,
  type BatchPredictionRow,
  toBatchPredictionView,
  toResultFormat,
  toTableFormat,
  toVersionRows,
  type VersionRows,
} from './batch-prediction-mapper.js';
import { runBatchPrediction, runBatchPredictionJobId } from './run-batch-prediction.job.js';

/** How long a claim counts without being renewed, on the database's clock. */
export const claimSeconds = 10;
const actor = 'system:worker';

/** How far a batch prediction is: what lies behind it will not be done again. */
export interface BatchProgress {
  readonly rowsDone: number;
  readonly rowsFailed: number;
  readonly rowsTotal: number | undefined;
  readonly position: BatchPosition;
  /** 0–1 of the file. */
  readonly readRatio: number;
  /** Of the result, on disk. */
  readonly resultBytes: number;
  readonly versions: VersionRows;
}

/** A batch prediction in the hands of a worker. */
export interface ClaimedBatch extends BatchProgress {
  readonly id: string;
  /** The fencing token: whatever is written under an older one changes nothing. */
  readonly attempt: number;
  /** Claims since the last checkpoint, this one included. */
  readonly attemptsSinceCheckpoint: number;
  /** What the last claim stood still or ended for. */
  readonly waitingFor: string | undefined;
  /** The claim that wrote the result so far; undefined when there is none. */
  readonly resultAttempt: number | undefined;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly version: number | undefined;
  readonly inputDigest: string;
  readonly inputBytes: number;
  readonly format: TableFormat;
  readonly options: BatchPredictionOptions;
  readonly resultFormat: ResultFormat;
}

/** A row without a prediction. */
export interface RowError {
  readonly row: number;
  readonly column: string | undefined;
  readonly message: string;
}

type Claim = Pick<ClaimedBatch, 'id' | 'attempt'>;

/** The worker's side of batch predictions. Every write is guarded by the claim: false means that somebody else has it, or that it is over. */
export class BatchRunStore {
  constructor(
    private readonly db: Database,
    private readonly retentionDays: number,
  ) {}

  /** Takes it up. `held`: another worker has it; `over`: there is nothing to do any more. */
  async claim(id: string): Promise<ClaimedBatch | 'held' | 'over'> {
    return this.db.$transaction(async (tx) => {
      const claimed = await tx.$queryRaw<unknown[]>`
        update "BatchPrediction" set "status" = 'RUNNING', "attempt" = "attempt" + 1, "attemptsSinceCheckpoint" = "attemptsSinceCheckpoint" + 1,
          "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision), "startedAt" = coalesce("startedAt", now() at time zone 'utc')
        where "id" = ${id} and "status" in ('QUEUED', 'RUNNING') and ("claimedUntil" is null or "claimedUntil" < now() at time zone 'utc')
        returning 1`;
      const row = await tx.batchPrediction.findUnique({ where: { id } });
      if (claimed.length === 0) return row?.status === 'QUEUED' || row?.status === 'RUNNING' ? 'held' : 'over';
      if (row === null) return 'over';
      if (row.attempt === 1) await this.recordChange(tx, row, 'batch-prediction.started', 'QUEUED');
      return toClaimed(row);
    });
  }

  /** Keeps the claim, and says what the job waits for. */
  async renew(claim: Claim, waitingFor: string | undefined): Promise<boolean> {
    const count = await this.db.$executeRaw`
      update "BatchPrediction" set "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision), "waitingFor" = ${waitingFor ?? null}
      where "id" = ${claim.id} and "attempt" = ${claim.attempt} and "status" = 'RUNNING'`;
    return count === 1;
  }

  /** Forgets what was done: the file with the result so far is not on this host. */
  async restart(claim: Claim): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.batchPrediction.updateMany({
        where: guard(claim),
        data: { rowsDone: 0, rowsFailed: 0, readRatio: 0, resultBytes: 0n, versions: {}, resultAttempt: null, position: Prisma.DbNull },
      });
      if (count === 1) await tx.batchRowError.deleteMany({ where: { batchPredictionId: claim.id } });
      return count === 1;
    });
  }

  /**
   * Makes progress count. The result's bytes are on disk before.
   * @param errors of the rows since the last checkpoint; beyond the limit of those that are listed they are only counted.
   */
  async checkpoint(claim: Claim, progress: BatchProgress, errors: readonly RowError[]): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.batchPrediction.updateMany({
        where: guard(claim),
        data: { ...toColumns(progress), attemptsSinceCheckpoint: 1, resultAttempt: claim.attempt, waitingFor: null },
      });
      if (count !== 1) return false;
      const room = limits.batchListedErrors - (progress.rowsFailed - errors.length);
      const listed = errors.slice(0, Math.max(0, room));
      if (listed.length > 0) {
        const data = listed.map(({ row, column, message }) => ({ batchPredictionId: claim.id, row, column: column ?? null, message }));
        await tx.batchRowError.createMany({ data, skipDuplicates: true });
      }
      return true;
    });
  }

  /** Ends it with its result, which gets its name in the store in the same moment. The staged file is gone when it is true. */
  async complete(claim: Claim, progress: BatchProgress, artefacts: ArtefactStore, result: StagedArtefact): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      await lockDigest(tx, result.digest);
      const status: BatchPredictionStatus = progress.rowsFailed > 0 ? 'COMPLETED_WITH_ERRORS' : 'COMPLETED';
      const { count } = await tx.batchPrediction.updateMany({
        where: guard(claim),
        data: { ...toColumns(progress), ...ending(status), rowsTotal: progress.rowsDone, readRatio: 1, resultDigest: result.digest },
      });
      if (count !== 1) return false;
      await this.recordChange(tx, await tx.batchPrediction.findUniqueOrThrow({ where: { id: claim.id } }), 'batch-prediction.completed', 'RUNNING');
      // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
      await artefacts.commit(result);
      return true;
    });
  }

  /** Ends it without a result. @param reason a sentence for whoever wished it. */
  async fail(claim: Claim, reason: string): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.batchPrediction.updateMany({ where: guard(claim), data: { ...ending('FAILED'), reason: reason.slice(0, 2_000) } });
      if (count === 1)
        await this.recordChange(tx, await tx.batchPrediction.findUniqueOrThrow({ where: { id: claim.id } }), 'batch-prediction.failed', 'RUNNING');
      return count === 1;
    });
  }

  /**
   * Gives it back, for the next claim to go on at the checkpoint.
   * @param fault what went wrong; undefined when the worker leaves in order, and the claim then does not count as one in vain.
   */
  async release(claim: Claim, fault?: string): Promise<boolean> {
    const { count } = await this.db.batchPrediction.updateMany({
      where: guard(claim),
      data: {
        claimedUntil: null,
        waitingFor: fault?.slice(0, 2_000) ?? null,
        ...(fault === undefined ? { attemptsSinceCheckpoint: { decrement: 1 } } : {}),
      },
    });
    return count === 1;
  }

  /**
   * Publishes the job again of batch predictions that nobody holds and whose job was not published within `olderThanSeconds`: the message was
   * lost, or the worker is. @returns how many.
   */
  async requeueLost(olderThanSeconds: number): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const ids = await lockLostRows(tx, 'BatchPrediction', 'batch-prediction.', olderThanSeconds);
      for (const id of ids) await enqueue(tx, runBatchPrediction, { batchPredictionId: id }, runBatchPredictionJobId(id));
      return ids.length;
    });
  }

  /** Removes those that ended longer ago than they are kept. @returns the digests they referred to. */
  async expire(): Promise<readonly string[]> {
    const rows = await this.db.$queryRaw<{ id: string }[]>`
      select "id" from "BatchPrediction" where "finishedAt" < (now() at time zone 'utc') - make_interval(days => ${this.retentionDays}::integer)
      order by "finishedAt" limit 100`;
    const digests: string[] = [];
    for (const { id } of rows) {
      await this.db.$transaction(async (tx) => {
        const row = await tx.batchPrediction.findUnique({ where: { id } });
        if (row === null) return;
        const view = toBatchPredictionView(row, this.retentionDays);
        await tx.batchPrediction.delete({ where: { id } });
        await recordEvent(tx, {
          projectId: row.projectId,
          actor,
          action: 'batch-prediction.deleted',
          subject: subjectOf(view),
          reason: 'kept long enough',
          before: view,
        });
        digests.push(...digestsOf(view));
      });
    }
    return digests;
  }

  /** Of these, those that wait or run. */
  async unfinished(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.db.batchPrediction.findMany({
      where: { id: { in: [...ids] }, status: { in: ['QUEUED', 'RUNNING'] } },
      select: { id: true },
    });
    return new Set(rows.map((row) => row.id));
  }

  private async recordChange(tx: Transaction, row: BatchPredictionRow, action: string, before: BatchPredictionStatus): Promise<void> {
    const after = toBatchPredictionView(row, this.retentionDays);
    await recordEvent(tx, { projectId: row.projectId, actor, action, subject: subjectOf(after), before: { status: before }, after });
  }
}

function guard(claim: Claim) {
  return { id: claim.id, attempt: claim.attempt, status: 'RUNNING' };
}

function ending(status: BatchPredictionStatus) {
  return { status, finishedAt: new Date(), claimedUntil: null, waitingFor: null };
}

function toColumns(progress: BatchProgress) {
  return {
    rowsDone: progress.rowsDone,
    rowsFailed: progress.rowsFailed,
    rowsTotal: progress.rowsTotal ?? null,
    position: toJson(progress.position),
    readRatio: progress.readRatio,
    resultBytes: BigInt(progress.resultBytes),
    versions: toJson(Object.fromEntries(progress.versions)),
  };
}

function toClaimed(row: BatchPredictionRow): ClaimedBatch {
  return {
    id: row.id,
    attempt: row.attempt,
    attemptsSinceCheckpoint: row.attemptsSinceCheckpoint,
    waitingFor: row.waitingFor ?? undefined,
    resultAttempt: row.resultAttempt ?? undefined,
    projectId: row.projectId,
    deploymentId: row.deploymentId,
    deploymentName: row.deploymentName,
    version: row.version ?? undefined,
    inputDigest: row.inputDigest,
    inputBytes: Number(row.inputBytes),
    format: toTableFormat(row.format),
    options: BatchPredictionOptions.parse(row.options),
    resultFormat: toResultFormat(row.resultFormat),
    rowsDone: row.rowsDone,
    rowsFailed: row.rowsFailed,
    rowsTotal: row.rowsTotal ?? undefined,
    position: BatchPosition.nullable().parse(row.position) ?? { row: 0 },
    readRatio: row.readRatio,
    resultBytes: Number(row.resultBytes),
    versions: toVersionRows(row.versions),
  };
}
