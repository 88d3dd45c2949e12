import {
  limits,
  type Page,
  type ReplayDifference,
  type ReplayQuery,
  type ReplaySpeed,
  type ReplayStatus,
  type ReplayView,
  SlipwayError,
  type StageEvidence,
} from '@slipway/contracts';
import {
  type ChangeBy,
  type Database,
  decodeCursor,
  enqueue,
  isUniqueViolation,
  newId,
  pageFrom,
  recordEvent,
  type Transaction,
} from '@slipway/platform';
import { factorOf, type ReplayRow, toDifferences, toOutcome, toReplayStatus, toReplayView } from './replay-mapper.js';
import { runReplay, runReplayJobId } from './run-replay.job.js';

/** What recorded requests are to be given to. */
export interface NewReplay {
  readonly deployment: { readonly id: string; readonly name: string };
  readonly modelName: string;
  readonly version: { readonly id: string; readonly number: number };
  readonly speed: ReplaySpeed;
  readonly reason: string | undefined;
  /** The requests, as `RequestSampleStore.newest` found them. */
  readonly found: { readonly requests: number; readonly from: Date; readonly to: Date };
}

/** A replay stage of a rollout's plan. */
export interface RolloutReplay {
  readonly rolloutId: string;
  /** Index of the stage in the plan. */
  readonly stage: number;
  readonly deploymentId: string;
  /** Id of the version (`ver_…`) that the rollout goes to. */
  readonly toVersionId: string;
  readonly requests: number;
  readonly maxAgeSeconds: number;
  /** Of the plan's disagreement guard. */
  readonly topK?: number | undefined;
}

/** How a rollout's replay stage is. */
export interface RolloutReplayState {
  readonly replayId: string;
  readonly status: ReplayStatus;
  /** Why it failed. */
  readonly failure: string | undefined;
  readonly planned: number;
  readonly done: number;
  readonly skipped: number;
  /** For `judgeGuards`, like that of any other stage: `shadow` is the candidate, `stable` what had answered then, `pairs` both on the same requests. */
  readonly evidence: StageEvidence;
}

/** Replays as people, and rollouts, wish and see them. */
export class ReplayStore {
  constructor(private readonly db: Database) {}

  /** @throws SlipwayError REPLAYS_BUSY while as many as allowed wait or run. */
  async create(by: ChangeBy, wish: NewReplay): Promise<ReplayView> {
    return this.db.$transaction(async (tx) => {
      await refuseWhenBusy(tx, by.projectId);
      return toReplayView(await insert(tx, by, wish, {}));
    });
  }

  /**
   * Starts the replay of a rollout's stage of kind `replay`. Call it whenever the stage is entered or looked at: it starts one replay per
   * rollout and stage, and afterwards returns the id of that one. Nothing of the deployment is touched by it.
   *
   * How a pilot uses it: `startForRollout` → `no_requests`: what the stage says under `withoutRequests`. Else, with every tick, `stateOf`:
   * QUEUED or RUNNING → wait (`evidence` may be judged already: a guard that fails need not wait for the end); COMPLETED → judge `evidence`
   * once more and move on; FAILED or CANCELLED → hold, with `failure` as the reason. `cancelOf` when the rollout ends otherwise.
   * @param by the pilot: `{ projectId, actor: 'system:pilot' }`.
   * @throws SlipwayError VERSION_NOT_FOUND, DEPLOYMENT_NOT_FOUND
   */
  async startForRollout(by: ChangeBy, wish: RolloutReplay): Promise<string | 'no_requests'> {
    const { rolloutId, stage } = wish;
    const before = await this.db.replay.findUnique({ where: { rolloutId_stage: { rolloutId, stage } }, select: { id: true } });
    if (before !== null) return before.id;
    try {
      return await this.db.$transaction(async (tx) => {
        const found = await findRequests(tx, wish);
        if (found === undefined) return 'no_requests';
        const [deployment, version] = await Promise.all([
          tx.deployment.findUnique({ where: { id: wish.deploymentId }, select: { id: true, name: true } }),
          tx.version.findUnique({ where: { id: wish.toVersionId }, select: { id: true, number: true, model: { select: { name: true } } } }),
        ]);
        if (deployment === null) throw new SlipwayError('DEPLOYMENT_NOT_FOUND', 'the deployment of the rollout is not there any more');
        if (version === null) throw new SlipwayError('VERSION_NOT_FOUND', 'the version of the rollout is not there any more');
        const { model, ...named } = version;
        const reason = 'a stage of a rollout';
        const row = await insert(tx, by, { deployment, modelName: model.name, version: named, speed: 'fast', reason, found }, wish);
        return row.id;
      });
    } catch (error) {
      // Another pilot was first.
      if (isUniqueViolation(error)) return this.startForRollout(by, wish);
      throw error;
    }
  }

  /** How the replay of a rollout's stage is; undefined when none was started. */
  async stateOf(rolloutId: string, stage: number): Promise<RolloutReplayState | undefined> {
    const row = await this.db.replay.findUnique({ where: { rolloutId_stage: { rolloutId, stage } } });
    if (row === null) return undefined;
    return {
      replayId: row.id,
      status: toReplayStatus(row.status),
      failure: row.failure ?? undefined,
      planned: row.planned,
      done: row.done,
      skipped: row.skipped,
      evidence: toOutcome(row).evidence,
    };
  }

  /** Ends whatever replays of a rollout are under way; harmless when there are none. */
  async cancelOf(by: Omit<ChangeBy, 'projectId'>, rolloutId: string): Promise<void> {
    const rows = await this.db.replay.findMany({
      where: { rolloutId, status: { in: ['QUEUED', 'RUNNING'] } },
      select: { id: true, projectId: true },
    });
    for (const { id, projectId } of rows) {
      await this.cancel({ ...by, projectId }, id).catch((error: unknown) => {
        // It has ended by itself in between.
        if (!(error instanceof SlipwayError && (error.code === 'REPLAY_FINISHED' || error.code === 'REPLAY_NOT_FOUND'))) throw error;
      });
    }
  }

  /** The newest first. @throws SlipwayError CURSOR_INVALID */
  async list(projectId: string, query: ReplayQuery): Promise<Page<ReplayView>> {
    const list = `replays:${projectId}:${query.deployment ?? ''}:${query.status ?? ''}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.replay.findMany({
      where: {
        projectId,
        ...(query.deployment === undefined ? {} : { deploymentName: { equals: query.deployment, mode: 'insensitive' } }),
        ...(query.status === undefined ? {} : { status: query.status }),
        ...(before === undefined ? {} : { id: { lt: before } }),
      },
      orderBy: { id: 'desc' },
      take: query.limit + 1,
    });
    return pageFrom(rows, { list, limit: query.limit, positionOf: (row) => row.id, toView: toReplayView });
  }

  /** @throws SlipwayError REPLAY_NOT_FOUND */
  async get(projectId: string, id: string): Promise<ReplayView> {
    return toReplayView(await findReplay(this.db, projectId, id));
  }

  /** The most different requests of a replay, and whose they are. @throws SlipwayError REPLAY_NOT_FOUND */
  async differences(projectId: string, id: string): Promise<{ readonly deploymentId: string; readonly items: readonly ReplayDifference[] }> {
    const row = await findReplay(this.db, projectId, id);
    return { deploymentId: row.deploymentId, items: toDifferences(row) };
  }

  /**
   * Ends it at once; a worker that is at it notices with its next step. Doing it twice is harmless.
   * @throws SlipwayError REPLAY_NOT_FOUND; REPLAY_FINISHED when it is over otherwise.
   */
  async cancel(by: ChangeBy, id: string): Promise<ReplayView> {
    return this.db.$transaction(async (tx) => {
      const before = toReplayView(await findReplay(tx, by.projectId, id));
      const { count } = await tx.replay.updateMany({
        where: { id, status: { in: ['QUEUED', 'RUNNING'] } },
        data: { status: 'CANCELLED', finishedAt: new Date(), claimedUntil: null, waitingFor: null },
      });
      const after = toReplayView(await findReplay(tx, by.projectId, id));
      if (count === 1) await recordEvent(tx, { ...by, action: 'replay.cancelled', subject: subjectOf(after), before, after });
      else if (after.status !== 'CANCELLED') throw new SlipwayError('REPLAY_FINISHED', `this replay is ${after.status}; there is nothing to cancel`);
      return after;
    });
  }

  /** @throws SlipwayError REPLAY_NOT_FOUND; REPLAY_UNFINISHED while it waits or runs. */
  async remove(by: ChangeBy, id: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const view = toReplayView(await findReplay(tx, by.projectId, id));
      const { count } = await tx.replay.deleteMany({ where: { id, status: { notIn: ['QUEUED', 'RUNNING'] } } });
      if (count === 0) throw new SlipwayError('REPLAY_UNFINISHED', `this replay is ${view.status}; cancel it first`);
      await recordEvent(tx, { ...by, action: 'replay.deleted', subject: subjectOf(view), before: view });
    });
  }
}

/** Who a replay's events are about. */
export function subjectOf(view: ReplayView): { readonly kind: string; readonly id: string; readonly name: string } {
  return { kind: 'replay', id: view.id, name: view.deployment };
}

async function insert(tx: Transaction, by: ChangeBy, wish: NewReplay, stage: Partial<RolloutReplay>): Promise<ReplayRow> {
  const row = await tx.replay.create({
    data: {
      id: newId('rpl'),
      projectId: by.projectId,
      deploymentId: wish.deployment.id,
      deploymentName: wish.deployment.name,
      modelName: wish.modelName,
      versionId: wish.version.id,
      versionNumber: wish.version.number,
      fromAt: wish.found.from,
      toAt: wish.found.to,
      planned: wish.found.requests,
      speed: factorOf(wish.speed),
      ...(stage.topK === undefined ? {} : { topK: stage.topK }),
      reason: wish.reason ?? null,
      rolloutId: stage.rolloutId ?? null,
      stage: stage.stage ?? null,
      createdBy: by.actor,
    },
  });
  const after = toReplayView(row);
  await recordEvent(tx, { ...by, action: 'replay.created', subject: subjectOf(after), reason: wish.reason, after });
  await enqueue(tx, runReplay, { replayId: row.id }, runReplayJobId(row.id));
  return row;
}

async function findReplay(db: Database | Transaction, projectId: string, id: string): Promise<ReplayRow> {
  const row = await db.replay.findFirst({ where: { id, projectId } });
  if (row === null) throw new SlipwayError('REPLAY_NOT_FOUND', `there is no replay "${id.slice(0, 64)}" in this project`);
  return row;
}

/** In the transaction of the rollout's replay, on the database's clock. */
async function findRequests(tx: Transaction, { deploymentId, requests, maxAgeSeconds }: RolloutReplay): Promise<NewReplay['found'] | undefined> {
  const rows = await tx.$queryRaw<{ requests: number; from: Date | null; to: Date | null }[]>`
    select count(*)::integer as "requests", min(at) as "from", max(at) as "to" from (
      select at from telemetry.request_samples
      where deployment_id = ${deploymentId} and at >= now() - make_interval(secs => ${maxAgeSeconds}::double precision) and expires_at >= now()
      order by at desc, id desc limit ${requests}) s`;
  const [row] = rows;
  if (row === undefined || row.from === null || row.to === null) return undefined;
  return { requests: row.requests, from: row.from, to: row.to };
}

/** The project's row is locked, so that two at the same moment count each other. */
async function refuseWhenBusy(tx: Transaction, projectId: string): Promise<void> {
  await tx.$queryRaw`select 1 from "Project" where "id" = ${projectId} for update`;
  const count = await tx.replay.count({ where: { projectId, rolloutId: null, status: { in: ['QUEUED', 'RUNNING'] } } });
  if (count < limits.replaysAtOnce) return;
  throw new SlipwayError('REPLAYS_BUSY', `${count} replays of this project wait or run, which is the limit; send it again when one of them is over`, {
    retryAfterSeconds: 30,
  });
}
