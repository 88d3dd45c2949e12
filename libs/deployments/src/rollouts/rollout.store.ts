import {
  type GuardJudgement,
  type Page,
  type PageQuery,
  type RolloutDetail,
  RolloutTransition,
  type RolloutView,
  SlipwayError,
} from '@slipway/contracts';
import { type Database, decodeCursor, type Prisma, pageFrom, type Transaction, toJson } from '@slipway/platform';
import { deploymentInclude, toDeployment, toRollout } from '../deployments/deployment-rows.js';
import { type DeploymentState, revisionOf } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { nameKey, noDeployment } from '../deployments/lock-deployment.store.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { type Decision, decideStep, type RolloutObservation } from './decide-step.js';
import { openWindow } from './freeze-windows.js';
import { atHand, type PlannedMove, type RolloutAsk, type RolloutJudge, type RolloutVerdict } from './judge-rollout.js';
import { loadFreezeWindows } from './load-freeze-windows.store.js';
import { recordTransition } from './record-transition.store.js';
import { type AbortCause, isWalking, type Rollout, walkingStatuses } from './rollout.js';
import { toRolloutView } from './rollout-view.js';
import { LostRace, writeDecision } from './write-decision.store.js';

/** What an application gives in, so that rollouts can be advanced through their stages. Without a judge no stage ever ends. */
export interface RolloutCompanions {
  readonly judge?: RolloutJudge;
  /** Without it, a rollout whose plan has a hook that must be asked does not move forward. */
  readonly ask?: RolloutAsk;
}

/** Why a gateway has taken a candidate out of its split. */
export interface Ejection {
  readonly cause: Extract<AbortCause, 'CANDIDATE_CRASHED' | 'CONSECUTIVE_ERRORS' | 'HARD_ERROR_SHARE'>;
  /** One sentence with the numbers. */
  readonly detail: string;
  readonly judgement?: GuardJudgement | undefined;
  /** When the gateway did it; a report may be late. */
  readonly at: Date;
}

/** Judgements of a rollout that goes on are written down at most this often. */
const keepJudgementsEveryMs = 1_000;
const actor = 'system:rollouts';

/** Rollouts: reading them, and the steps that they take by themselves. */
export class RolloutStore {
  constructor(private readonly db: Database) {}

  /** The newest rollout of a deployment with its walk. @throws SlipwayError DEPLOYMENT_NOT_FOUND, ROLLOUT_NOT_FOUND */
  async latest(projectId: string, name: string): Promise<RolloutDetail> {
    return atOneMoment(this.db, async (tx, now) => {
      const [state] = await loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now);
      if (state === undefined) throw noDeployment(name);
      if (state.rollout === undefined) throw new SlipwayError('ROLLOUT_NOT_FOUND', `the deployment "${name}" has had no rollout`);
      const revisions = new Map(state.revisions.map((revision) => [revision.id, revision]));
      return { ...toRolloutView(state.rollout, state, { revisions, now }), transitions: await readTransitions(tx, state.rollout.id) };
    });
  }

  /** Rollouts of one deployment, or of all in the project, newest first. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async list(projectId: string, name: string | undefined, page: PageQuery): Promise<Page<RolloutView>> {
    const list = `rollouts:${projectId}:${name ?? ''}`;
    const before = decodeCursor(list, page.cursor);
    return atOneMoment(this.db, async (tx, now) => {
      const ofDeployment = name === undefined ? undefined : await findDeployment(tx, projectId, name);
      const rows = await tx.rollout.findMany({
        // Ids grow with time, so they order by the start.
        where: { ...(ofDeployment ?? { deployment: { projectId } }), ...(before === undefined ? {} : { id: { lt: before } }) },
        include: { deployment: { include: deploymentInclude } },
        orderBy: { id: 'desc' },
        take: page.limit + 1,
      });
      const revisions = await revisionNumbers(tx, rows);
      return pageFrom(rows, {
        list,
        limit: page.limit,
        positionOf: (row) => row.id,
        toView: (row) => toRolloutView(toRollout(row), { deployment: toDeployment(row.deployment) }, { revisions, now }),
      });
    });
  }

  /** Ids of the rollouts that are not finished, oldest first. */
  async listUnfinished(limit = 1000): Promise<string[]> {
    const rows = await this.db.rollout.findMany({
      where: { status: { in: [...walkingStatuses] } },
      orderBy: { startedAt: 'asc' },
      take: limit,
      select: { id: true },
    });
    return rows.map((row) => row.id);
  }

  /** Ids of the rollouts that have finished lately, by whoever's hand, newest first. */
  async listEnded(withinMs: number, limit = 1000): Promise<string[]> {
    const since = new Date((await databaseNow(this.db)).getTime() - withinMs);
    const rows = await this.db.rollout.findMany({
      where: { finishedAt: { gte: since } },
      orderBy: { finishedAt: 'desc' },
      take: limit,
      select: { id: true },
    });
    return rows.map((row) => row.id);
  }

  /**
   * Takes a rollout one step further: reads, has it judged, decides, asks hooks, writes. May run twice, late, or after the wish has changed: a
   * write made for an older epoch or row version changes nothing.
   * @returns what was done; `lost` when somebody else was faster, `gone` when there is nothing to do any more.
   */
  async advance(rolloutId: string, companions: RolloutCompanions = {}): Promise<Decision['kind'] | 'lost' | 'gone'> {
    const row = await this.db.rollout.findUnique({ where: { id: rolloutId }, select: { deploymentId: true, status: true } });
    if (row === null || !walkingStatuses.some((status) => status === row.status)) return 'gone';
    const seen = await this.look(rolloutId, row.deploymentId);
    if (seen === undefined) return 'gone';
    const { state, rollout, now } = seen;
    const verdict = isJudged(state, rollout) ? await companions.judge?.(atHand(state, rollout)) : undefined;
    const observation: RolloutObservation = {
      ...seen.observation,
      stage:
        verdict === undefined ? undefined : { judgements: verdict.judgements, requests: verdict.candidateRequestsInStage, replay: verdict.replay },
    };
    const decision = await heedHooks(state, rollout, decideStep(rollout, observation, now), companions.ask);
    if (decision.kind === 'wait') {
      await this.keepWaiting(rollout, decision.waitingFor, verdict, now);
      return 'wait';
    }
    const move = { state, rollout, decision, evidence: verdict, actor: rollout.wish === 'abort' ? (rollout.wishBy ?? actor) : actor, now };
    return this.db
      .$transaction((tx) => writeDecision(tx, move))
      .then(() => decision.kind)
      .catch(lostRace);
  }

  /**
   * Writes down that a gateway has taken a candidate out of its split. The same report again, also much later, changes nothing; of a rollout
   * that was promoted in the meantime it is kept in the walk, for people to see.
   * @returns `aborted` when this report ended the rollout.
   */
  async reportEjection(rolloutId: string, ejection: Ejection): Promise<'aborted' | 'late' | 'gone'> {
    const row = await this.db.rollout.findUnique({ where: { id: rolloutId }, select: { deploymentId: true } });
    if (row === null) return 'gone';
    return this.db.$transaction(async (tx) => {
      await tx.$queryRaw`select id from "Deployment" where id = ${row.deploymentId} for update`;
      await tx.$queryRaw`select id from "Rollout" where id = ${rolloutId} for update`;
      const now = await databaseNow(tx);
      const [state] = await loadStates(tx, { id: row.deploymentId }, now, { rolloutId });
      if (state?.rollout === undefined) return 'gone';
      const { rollout } = state;
      const judgements = ejection.judgement === undefined ? [] : [ejection.judgement];
      if (!isWalking(rollout) || rollout.epoch !== state.deployment.wish.epoch) {
        if (rollout.status === 'COMPLETED') await keepLateReport(tx, rollout, { ...ejection, judgements, now });
        return 'late';
      }
      const evidence = { judgements: [...judgements, ...rollout.judgements], counts: rollout.counts ?? noCounts };
      const decision = { kind: 'abort', cause: ejection.cause, detail: ejection.detail } as const;
      await writeDecision(tx, { state, rollout, decision, evidence, actor: 'system:gateway', now });
      return 'aborted';
    });
  }

  private look(rolloutId: string, deploymentId: string) {
    return atOneMoment(this.db, async (tx, now) => {
      const [state] = await loadStates(tx, { id: deploymentId }, now, { rolloutId });
      const rollout = state?.rollout;
      if (state === undefined || rollout === undefined || !walkingStatuses.some((status) => status === rollout.status)) return undefined;
      const windows = await loadFreezeWindows(tx, state.deployment.projectId);
      return { state, rollout, now, observation: observe(state, rollout, windows, now) };
    });
  }

  /** What it waits for, and what guards say while it does. Writes seldom, and nothing that a decision is guarded by. */
  private async keepWaiting(rollout: Rollout, waitingFor: string | undefined, verdict: RolloutVerdict | undefined, now: Date): Promise<void> {
    const isStage = rollout.phase === 'shadowing' || rollout.phase === 'step';
    if (verdict === undefined && (isStage || waitingFor === rollout.waitingFor)) return;
    if (verdict !== undefined && now.getTime() - (rollout.judgedAt?.getTime() ?? 0) < keepJudgementsEveryMs) return;
    await this.db.rollout.updateMany({
      where: { id: rollout.id, rowVersion: rollout.rowVersion },
      data: {
        waitingFor: waitingFor ?? null,
        ...(verdict === undefined ? {} : { judgements: toJson(verdict.judgements), counts: toJson(verdict.counts), judgedAt: now }),
      },
    });
  }
}

const noSide = { requests: 0, errors: 0 };
const noCounts = { stable: noSide, candidate: noSide, shadow: noSide, pairs: 0, flips: 0 };

function observe(state: DeploymentState, rollout: Rollout, windows: Parameters<typeof openWindow>[0], now: Date): RolloutObservation {
  const { wish, id } = state.deployment;
  const target = revisionOf(state, rollout.toRevisionId);
  return {
    deployment: { epoch: wish.epoch, suspended: wish.suspended, deleted: wish.deletedAt !== undefined },
    replicas: target?.replicas ?? 1,
    stableReplicas: revisionOf(state, rollout.fromRevisionId)?.replicas ?? 1,
    unplacedReason: target?.unplacedReason,
    instances: state.instances.filter((instance) => instance.revisionId === rollout.toRevisionId),
    // A first deploy changes nothing for anybody.
    frozen: rollout.fromRevisionId === undefined ? undefined : openWindow(windows, id, now),
  };
}

/** Evidence comes from stages alone; of a rollout that is over anyway nothing has to be judged. */
function isJudged(state: DeploymentState, rollout: Rollout): boolean {
  const isStage = rollout.phase === 'shadowing' || rollout.phase === 'step';
  return isStage && isWalking(rollout) && rollout.epoch === state.deployment.wish.epoch;
}

async function heedHooks(state: DeploymentState, rollout: Rollout, decision: Decision, ask: RolloutAsk | undefined): Promise<Decision> {
  const move = forwardMove(rollout, decision);
  // A person's word to promote is not asked about again.
  if (move === undefined || rollout.promoteNow || rollout.plan.hooks.every((hook) => hook.mode !== 'ask')) return decision;
  if (ask === undefined) return { kind: 'wait', retryInMs: 1_000, waitingFor: rollout.waitingFor };
  const word = await ask(atHand(state, rollout), move);
  switch (word.kind) {
    case 'go':
      return decision;
    case 'wait':
      return { kind: 'wait', retryInMs: 500, waitingFor: word.waitingFor };
    case 'hold':
      return { kind: 'hold', reason: word.reason };
    case 'abort':
      return { kind: 'abort', cause: 'HOOK_ABORTED', detail: word.reason };
  }
}

function forwardMove(rollout: Rollout, decision: Decision): PlannedMove | undefined {
  if (decision.kind === 'complete') return { action: 'completed', phase: 'promoting', stage: rollout.plan.stages.length, weightPercent: 100 };
  if (decision.kind !== 'enter') return undefined;
  const { phase, step, weightPercent } = decision.place;
  return { action: decision.action, phase, stage: step, weightPercent };
}

function lostRace(error: unknown): 'lost' {
  if (error instanceof LostRace) return 'lost';
  throw error;
}

/** Once per rollout: a report may come again and again. */
async function keepLateReport(
  tx: Transaction,
  rollout: Rollout,
  late: { readonly detail: string; readonly judgements: readonly GuardJudgement[]; readonly at: Date; readonly now: Date },
): Promise<void> {
  const action = 'ejection_reported';
  if ((await tx.rolloutTransition.count({ where: { rolloutId: rollout.id, action } })) > 0) return;
  const { status, phase, step: stage, weightPercent } = rollout;
  await recordTransition(tx, {
    rolloutId: rollout.id,
    at: late.now,
    actor: 'system:gateway',
    action,
    place: { status, phase, stage, weightPercent },
    reason: `a gateway had taken the candidate out of its split at ${late.at.toISOString()}: ${late.detail}`,
    judgements: late.judgements,
  });
}

/** So many steps of a walk are shown, the latest; a rolling update of 64 replicas has fewer. */
const shownTransitions = 200;

async function readTransitions(tx: Transaction, rolloutId: string): Promise<RolloutTransition[]> {
  const rows = await tx.rolloutTransition.findMany({ where: { rolloutId }, orderBy: { sequence: 'desc' }, take: shownTransitions });
  return rows
    .toReversed()
    .map(({ at, actor: who, action, status, phase, stage, weightPercent, reason, judgements }) =>
      RolloutTransition.parse({ at: at.toISOString(), actor: who, action, status, phase, stage, weightPercent, reason, judgements }),
    );
}

async function findDeployment(tx: Transaction, projectId: string, name: string): Promise<{ deploymentId: string }> {
  const row = await tx.deployment.findFirst({ where: { projectId, nameFolded: nameKey(name), deletedAt: null }, select: { id: true } });
  if (row === null) throw noDeployment(name);
  return { deploymentId: row.id };
}

async function revisionNumbers(tx: Transaction, rows: readonly Prisma.RolloutGetPayload<object>[]) {
  const ids = rows.flatMap((row) => [row.toRevisionId, ...(row.fromRevisionId === null ? [] : [row.fromRevisionId])]);
  const revisions = await tx.revision.findMany({
    where: { id: { in: [...new Set(ids)] } },
    select: { id: true, number: true, version: { select: { number: true } } },
  });
  return new Map(revisions.map(({ id, number, version }) => [id, { number, versionNumber: version.number }]));
}
