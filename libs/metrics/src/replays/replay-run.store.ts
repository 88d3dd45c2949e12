import { OutputRange, type ReplayDifference, Signature, Task } from '@slipway/contracts';
import { type Database, enqueue, lockLostRows, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { z } from 'zod';
import { subjectOf } from './replay.store.js';
import { type ReplayRow, toDifferences, toOutcome, toReplayView } from './replay-mapper.js';
import type { ReplayOutcome } from './replay-outcome.js';
import type { SampleCursor, SampleWindow } from './request-sample.store.js';
import { runReplay, runReplayJobId } from './run-replay.job.js';

/** How long a claim counts without being renewed, on the database's clock. */
const claimSeconds = 10;
const keptDays = 30;
const actor = 'system:worker';

/** How far a replay is. */
export interface ReplayProgress {
  readonly cursor: SampleCursor | undefined;
  readonly done: number;
  readonly skipped: number;
  readonly outcome: ReplayOutcome;
  readonly differences: readonly ReplayDifference[];
}

/** A replay in the hands of a worker. */
export interface ClaimedReplay extends ReplayProgress {
  readonly id: string;
  /** The fencing token: whatever is written under an older one changes nothing. */
  readonly attempt: number;
  /** Claims since the last checkpoint, this one included. */
  readonly vainAttempts: number;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly window: SampleWindow;
  readonly planned: number;
  /** 0: as fast as it goes. */
  readonly speed: number;
  readonly topK: number;
}

/** A version as it is run for a replay. */
export interface ReplayedVersion {
  readonly id: string;
  readonly number: number;
  readonly modelName: string;
  readonly digest: string;
  readonly signature: Signature;
  readonly task: Task | undefined;
  readonly runMs: number | undefined;
}

/** How a revision ran what it answered. */
export interface RevisionSetup {
  readonly provider: string;
  readonly outputRanges: readonly OutputRange[];
}

type Claim = Pick<ClaimedReplay, 'id' | 'attempt'>;
const Footprint = z.object({ runMs: z.number().nullish() }).nullable();
const Setup = z.object({ executionProviders: z.array(z.string()).default([]), outputRanges: z.array(OutputRange).default([]) });

/** The worker's side of replays. Every write is guarded by the claim: false means that somebody else has it, or that it is over. */
export class ReplayRunStore {
  constructor(private readonly db: Database) {}

  /** Takes it up. `held`: another worker has it; `over`: there is nothing to do any more. */
  async claim(id: string): Promise<ClaimedReplay | 'held' | 'over'> {
    return this.db.$transaction(async (tx) => {
      const claimed = await tx.$queryRaw<unknown[]>`
        update "Replay" set "status" = 'RUNNING', "attempt" = "attempt" + 1, "vainAttempts" = "vainAttempts" + 1,
          "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision), "startedAt" = coalesce("startedAt", now() at time zone 'utc')
        where "id" = ${id} and "status" in ('QUEUED', 'RUNNING') and ("claimedUntil" is null or "claimedUntil" < now() at time zone 'utc')
        returning 1`;
      const row = await tx.replay.findUnique({ where: { id } });
      if (claimed.length === 0) return row?.status === 'QUEUED' || row?.status === 'RUNNING' ? 'held' : 'over';
      if (row === null) return 'over';
      if (row.attempt === 1) await recordChange(tx, row, 'replay.started', 'QUEUED');
      return toClaimed(row);
    });
  }

  /** Keeps the claim, and says what the replay waits for. */
  async renew(claim: Claim, waitingFor: string | undefined): Promise<boolean> {
    const count = await this.db.$executeRaw`
      update "Replay" set "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision), "waitingFor" = ${waitingFor ?? null}
      where "id" = ${claim.id} and "attempt" = ${claim.attempt} and "status" = 'RUNNING'`;
    return count === 1;
  }

  /** Makes progress count. */
  async checkpoint(claim: Claim, progress: ReplayProgress): Promise<boolean> {
    const { count } = await this.db.replay.updateMany({ where: guard(claim), data: { ...toColumns(progress), vainAttempts: 1, waitingFor: null } });
    return count === 1;
  }

  async complete(claim: Claim, progress: ReplayProgress): Promise<boolean> {
    return this.end(claim, 'replay.completed', { ...toColumns(progress), status: 'COMPLETED' });
  }

  /** @param failure a sentence for whoever wished it. */
  async fail(claim: Claim, failure: string): Promise<boolean> {
    return this.end(claim, 'replay.failed', { status: 'FAILED', failure: failure.slice(0, 2_000) });
  }

  /**
   * Gives it back, for the next claim to go on at the checkpoint.
   * @param fault what went wrong; undefined when the worker leaves in order, and the claim then does not count as one in vain.
   */
  async release(claim: Claim, fault?: string): Promise<boolean> {
    const { count } = await this.db.replay.updateMany({
      where: guard(claim),
      data: {
        claimedUntil: null,
        waitingFor: fault?.slice(0, 2_000) ?? null,
        ...(fault === undefined ? { vainAttempts: { decrement: 1 } } : {}),
      },
    });
    return count === 1;
  }

  /** Publishes the job again of replays that nobody holds and whose job was not published within `olderThanSeconds`. @returns how many. */
  async requeueLost(olderThanSeconds: number): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const ids = await lockLostRows(tx, 'Replay', 'replay.', olderThanSeconds);
      for (const id of ids) await enqueue(tx, runReplay, { replayId: id }, runReplayJobId(id));
      return ids.length;
    });
  }

  /** Removes those that ended a month ago. @returns how many. */
  async expire(): Promise<number> {
    const rows = await this.db.$queryRaw<{ id: string }[]>`
      select "id" from "Replay" where "finishedAt" < (now() at time zone 'utc') - make_interval(days => ${keptDays}::integer) order by "finishedAt" limit 100`;
    for (const { id } of rows) {
      await this.db.$transaction(async (tx) => {
        const row = await tx.replay.findUnique({ where: { id } });
        if (row === null) return;
        await tx.replay.delete({ where: { id } });
        const before = toReplayView(row);
        await recordEvent(tx, {
          projectId: row.projectId,
          actor,
          action: 'replay.deleted',
          subject: subjectOf(before),
          reason: 'kept long enough',
          before,
        });
      });
    }
    return rows.length;
  }

  /** A version to run; undefined when it is gone, or was never READY. */
  async version(id: string): Promise<ReplayedVersion | undefined> {
    const row = await this.db.version.findUnique({ where: { id }, include: { model: { select: { name: true } } } });
    if (row === null || row.status !== 'READY' || row.signature === null) return undefined;
    return {
      id: row.id,
      number: row.number,
      modelName: row.model.name,
      digest: row.digest,
      signature: Signature.parse(row.signature),
      task: row.task === null ? undefined : Task.parse(row.task),
      runMs: Footprint.parse(row.footprint)?.runMs ?? undefined,
    };
  }

  /** How a revision ran; undefined when it is gone. */
  async setup(revisionId: string): Promise<RevisionSetup | undefined> {
    const row = await this.db.revision.findUnique({ where: { id: revisionId }, select: { spec: true } });
    if (row === null) return undefined;
    const { executionProviders, outputRanges } = Setup.parse(row.spec);
    return { provider: executionProviders[0] ?? 'cpu', outputRanges };
  }

  private async end(claim: Claim, action: string, data: Parameters<Database['replay']['updateMany']>[0]['data']): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const over = { finishedAt: new Date(), claimedUntil: null, waitingFor: null };
      const { count } = await tx.replay.updateMany({ where: guard(claim), data: { ...data, ...over } });
      if (count === 1) await recordChange(tx, await tx.replay.findUniqueOrThrow({ where: { id: claim.id } }), action, 'RUNNING');
      return count === 1;
    });
  }
}

function guard(claim: Claim) {
  return { id: claim.id, attempt: claim.attempt, status: 'RUNNING' };
}

function toColumns({ cursor, done, skipped, outcome, differences }: ReplayProgress) {
  return { cursorAt: cursor?.at ?? null, cursorId: cursor?.id ?? null, done, skipped, outcome: toJson(outcome), differences: toJson(differences) };
}

function toClaimed(row: ReplayRow): ClaimedReplay {
  return {
    id: row.id,
    attempt: row.attempt,
    vainAttempts: row.vainAttempts,
    projectId: row.projectId,
    deploymentId: row.deploymentId,
    deploymentName: row.deploymentName,
    versionId: row.versionId,
    versionNumber: row.versionNumber,
    window: { deploymentId: row.deploymentId, from: row.fromAt, to: row.toAt },
    planned: row.planned,
    speed: row.speed,
    topK: row.topK,
    cursor: row.cursorAt === null || row.cursorId === null ? undefined : { at: row.cursorAt, id: row.cursorId },
    done: row.done,
    skipped: row.skipped,
    outcome: toOutcome(row),
    differences: toDifferences(row),
  };
}

async function recordChange(tx: Transaction, row: ReplayRow, action: string, before: string): Promise<void> {
  const after = toReplayView(row);
  await recordEvent(tx, { projectId: row.projectId, actor, action, subject: subjectOf(after), before: { status: before }, after });
}
