import type { CreateRevision, Page, PageQuery, RevisionView } from '@slipway/contracts';
import { defaultPlans, RevisionSpec, RolloutPlan, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, newId, pageFrom, type Transaction, toJson } from '@slipway/platform';
import { revisionInclude, toRevision } from '../deployments/deployment-rows.js';
import { type DeploymentState, namesOf, servingRevision, walkingRollout } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { toRevisionView } from '../deployments/deployment-view.js';
import { lockDeployment, nameKey, noDeployment, refuseSuspended } from '../deployments/lock-deployment.store.js';
import { refuseBreaking } from '../deployments/refuse-breaking.store.js';
import { refuseUnknownNames } from '../deployments/refuse-unknown-names.store.js';
import { refuseUnmetGates } from '../deployments/refuse-unmet-gates.store.js';
import { type ChosenVersion, chooseVersion } from '../deployments/version-choice.store.js';
import { announceWish, endWalkingRollout, startRollout } from '../deployments/write-wish.store.js';
import { refuseOverQuota } from '../quotas/quota.store.js';
import { openWindow } from '../rollouts/freeze-windows.js';
import { loadFreezeWindows } from '../rollouts/load-freeze-windows.store.js';
import { findPlan } from '../rollouts/named-plan.store.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';

/** Revisions of a deployment: a new one is a deploy. */
export class RevisionStore {
  constructor(private readonly db: Database) {}

  /**
   * Deploys: a new revision and the walk to it. What is not said stays as it is on the revision that serves. While another rollout walks,
   * the wish is refused, so of several at once one wins and the others learn that they lost.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_READY, ROLLOUT_IN_PROGRESS, DEPLOYMENT_SUSPENDED,
   * DEPLOYMENT_CHANGED, SIGNATURE_BREAKING, GATE_NOT_MET, ROLLOUT_PLAN_NOT_FOUND, ROLLOUT_REFUSED
   */
  async create(by: ChangeBy, name: string, wish: CreateRevision): Promise<void> {
    const seen = await this.db.deployment.findFirst({
      where: { projectId: by.projectId, nameFolded: nameKey(name), deletedAt: null },
      select: { epoch: true },
    });
    if (seen === null) throw noDeployment(name);
    await this.db.$transaction(async (tx) => {
      const { state, now } = await lockDeployment(tx, by.projectId, name);
      const { deployment } = state;
      const version = await chooseVersion(tx, { id: deployment.modelId, name: deployment.modelName }, wish);
      refuseSuspended(state);
      refuseWhileWalking(state);
      if (deployment.wish.epoch !== seen.epoch) {
        throw new SlipwayError('DEPLOYMENT_CHANGED', `the deployment "${deployment.name}" was changed at the same moment; look at it and try again`);
      }
      const chosen = await choosePlan(tx, by.projectId, wish);
      await refuseUnfit(tx, { by, state, version, wish, now }, chosen.plan);
      await deploy(tx, { by, state, version, wish, now }, chosen);
    });
  }

  /** One page, newest first. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
  async list(projectId: string, name: string, page: PageQuery): Promise<Page<RevisionView>> {
    const [state] = await atOneMoment(this.db, (tx, now) => loadStates(tx, { projectId, nameFolded: nameKey(name), deletedAt: null }, now));
    if (state === undefined) throw noDeployment(name);
    const list = `revisions:${state.deployment.id}`;
    const before = decodeCursor(list, page.cursor);
    const rows = await this.db.revision.findMany({
      where: { deploymentId: state.deployment.id, ...(before === undefined ? {} : { number: { lt: Number(before) } }) },
      include: revisionInclude,
      orderBy: { number: 'desc' },
      take: page.limit + 1,
    });
    const positionOf = (row: { number: number }) => String(row.number);
    return pageFrom(rows, { list, limit: page.limit, positionOf, toView: (row) => toRevisionView(state, toRevision(row)) });
  }
}

function refuseWhileWalking(state: DeploymentState): void {
  const walking = walkingRollout(state);
  if (walking === undefined) return;
  const number = state.revisions.find((revision) => revision.id === walking.toRevisionId)?.number;
  throw new SlipwayError(
    'ROLLOUT_IN_PROGRESS',
    `a rollout to revision ${number} of "${state.deployment.name}" is under way; wait for it, abort it, or roll back first`,
  );
}

interface Deploy {
  readonly by: ChangeBy;
  readonly state: DeploymentState;
  readonly version: ChosenVersion;
  readonly wish: CreateRevision;
  readonly now: Date;
}

interface ChosenPlan {
  readonly plan: RolloutPlan;
  readonly planName: string | undefined;
}

/** The plan that was given, the one of that name, or else what its strategy does. @throws SlipwayError ROLLOUT_PLAN_NOT_FOUND */
async function choosePlan(tx: Transaction, projectId: string, wish: CreateRevision): Promise<ChosenPlan> {
  if (wish.plan === undefined) return { plan: RolloutPlan.parse(defaultPlans[wish.strategy ?? 'all-at-once']), planName: undefined };
  if (typeof wish.plan !== 'string') return { plan: wish.plan, planName: undefined };
  const named = await findPlan(tx, projectId, wish.plan);
  return { plan: RolloutPlan.parse(named.plan), planName: named.name };
}

/** @throws SlipwayError ROLLOUT_REFUSED, SIGNATURE_BREAKING */
async function refuseUnfit(tx: Transaction, { state, version, wish, now }: Deploy, plan: RolloutPlan): Promise<void> {
  const serving = servingRevision(state);
  const { name } = state.deployment;
  if (wish.scheduledFor !== undefined && new Date(wish.scheduledFor) <= now) {
    throw new SlipwayError('ROLLOUT_REFUSED', `expected a time to come in "scheduledFor", got ${wish.scheduledFor}; leave it out to begin at once`);
  }
  if (serving === undefined) {
    if (plan.strategy === 'all-at-once' && plan.stages.length === 0) return refuseUnmetGates(tx, version.versionId, wish.overrideGates);
    throw new SlipwayError(
      'ROLLOUT_REFUSED',
      `nothing of "${name}" serves yet, so a "${plan.strategy}" rollout has nothing to compare with or to take traffic from; deploy all at once first`,
    );
  }
  // The version that serves already may be given other replicas or settings, whatever has become of its gates. What ends as a shadow gets no live
  // callers unless somebody promotes it, and is asked then.
  if (version.versionId !== serving.versionId && plan.afterStages !== 'end') await refuseUnmetGates(tx, version.versionId, wish.overrideGates);
  if (wish.allowBreaking === true) return;
  await refuseBreaking(tx, { before: serving.versionId, after: version.versionId, what: 'deploy it with "allowBreaking": true if that is meant' });
}

async function isFrozen(tx: Transaction, { state, now }: Deploy): Promise<boolean> {
  const { projectId, id } = state.deployment;
  return openWindow(await loadFreezeWindows(tx, projectId), id, now) !== undefined;
}

async function deploy(tx: Transaction, request: Deploy, { plan, planName }: ChosenPlan): Promise<void> {
  const { by, state, version, wish, now } = request;
  const { deployment } = state;
  const serving = servingRevision(state);
  const base = serving ?? state.revisions[0];
  const replicas = wish.replicas ?? base?.replicas ?? 1;
  const spec = RevisionSpec.parse({ ...base?.spec, ...wish.spec });
  await refuseUnknownNames(tx, version.versionId, spec);
  await refuseOverQuota(tx, { projectId: by.projectId, deploymentId: deployment.id, versionId: version.versionId, replicas, spec });
  const revisionId = newId('rev');
  const overrideFreeze = wish.overrideFreeze === true;
  await endWalkingRollout(tx, deployment.id, { wish: 'supersede', by: by.actor });
  const { nextRevision, epoch } = await tx.deployment.update({
    where: { id: deployment.id },
    data: { nextRevision: { increment: 1 }, epoch: { increment: 1 }, desiredRevisionId: revisionId, wishKind: 'DEPLOY' },
    select: { nextRevision: true, epoch: true },
  });
  const number = nextRevision - 1;
  const signed = { reason: wish.reason ?? null, createdBy: by.actor, createdAt: now };
  await tx.revision.create({
    data: { id: revisionId, deploymentId: deployment.id, number, versionId: version.versionId, replicas, spec: toJson(spec), ...signed },
  });
  const rollout = await startRollout(tx, {
    deploymentId: deployment.id,
    epoch,
    fromRevisionId: serving?.id,
    toRevisionId: revisionId,
    plan,
    planName,
    scheduledFor: wish.scheduledFor === undefined ? undefined : new Date(wish.scheduledFor),
    overrideFreeze,
    mustWait: wish.scheduledFor !== undefined || (serving !== undefined && !overrideFreeze && (await isFrozen(tx, request))),
    createdBy: by.actor,
    reason: wish.reason,
    now,
  });
  await announceWish(tx, {
    by,
    action: 'revision.created',
    deployment,
    reason: wish.reason,
    before: namesOf(serving),
    after: { revision: number, version: version.versionNumber, replicas, spec, strategy: plan.strategy, ...wordsOf(wish) },
  });
  await announceWish(tx, {
    by,
    action: 'rollout.started',
    deployment,
    reason: wish.reason,
    before: namesOf(serving) ?? { revision: null },
    after: { rollout, strategy: plan.strategy, planName, to: number, scheduledFor: wish.scheduledFor },
  });
}

/** The words that went past a safeguard, for the event. */
function wordsOf({ scheduledFor, allowBreaking, overrideGates, overrideFreeze }: CreateRevision): object {
  return { scheduledFor, allowBreaking, overrideGates, overrideFreeze };
}
