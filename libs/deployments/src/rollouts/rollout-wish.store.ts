import { type RolloutActionName, type RolloutDetail, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, type Prisma, type Transaction, toJson } from '@slipway/platform';
import { type LockedDeployment, lockDeployment } from '../deployments/lock-deployment.store.js';
import { refuseUnmetGates } from '../deployments/refuse-unmet-gates.store.js';
import { announceWish, endWalkingRollout, wishBack } from '../deployments/write-wish.store.js';
import { openWindow } from './freeze-windows.js';
import { loadFreezeWindows } from './load-freeze-windows.store.js';
import { recordTransition } from './record-transition.store.js';
import { RollbackStore } from './rollback.store.js';
import type { Rollout } from './rollout.js';
import { RolloutStore } from './rollout.store.js';
import { hasSteps, possibleActions, undoTarget } from './rollout-view.js';

/** What an action writes, and what its step of the walk and its event are called. */
interface Wish {
  readonly action: string;
  readonly data: Prisma.RolloutUpdateManyMutationInput;
  readonly status?: Rollout['status'];
}

/** What people wish of a rollout that walks, or that may still be undone. */
export class RolloutWishStore {
  private readonly rollouts: RolloutStore;
  private readonly rollbacks: RollbackStore;

  constructor(private readonly db: Database) {
    this.rollouts = new RolloutStore(db);
    this.rollbacks = new RollbackStore(db);
  }

  /**
   * - `pause`: it stays where it is until it is resumed; a guard that fails still takes it back. The stage's clock begins anew at `resume`.
   * - `resume`: also of a held one; what it was held for is let pass from now on, so that it is not held again for the same word of the same guard.
   * - `promote`: all traffic to the candidate as soon as it is warm, whatever is left of the plan.
   * - `approve`: the present stage may be left.
   * - `abort`: all traffic stays with, or goes back to, the old revision at once.
   * - `undo`: of a finished one, while that is possible at once.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, ROLLOUT_NOT_FOUND, ROLLOUT_FINISHED, ROLLOUT_ACTION_REFUSED, ROLLOUT_ACTION_UNSUPPORTED, ROLLOUT_FROZEN,
   * GATE_NOT_MET (a shadow that is promoted)
   */
  async act(by: ChangeBy, name: string, action: RolloutActionName, reason?: string): Promise<RolloutDetail> {
    const undone = await this.db.$transaction(async (tx) => {
      const locked = await lockDeployment(tx, by.projectId, name);
      const rollout = refuseImpossible(locked, action);
      if (action === 'undo') return revisionToUndoTo(locked, rollout);
      if (action === 'abort') await abort(tx, by, locked, rollout, reason);
      else await write(tx, by, locked, rollout, { wish: await wishOf(tx, locked, rollout, action), reason });
      return undefined;
    });
    if (undone !== undefined) await this.rollbacks.rollBack(by, name, { revision: undone, ...(reason === undefined ? {} : { reason }) });
    return this.rollouts.latest(by.projectId, name);
  }
}

function refuseImpossible({ state, now }: LockedDeployment, action: RolloutActionName): Rollout {
  const { rollout, deployment } = state;
  if (rollout === undefined) throw new SlipwayError('ROLLOUT_NOT_FOUND', `the deployment "${deployment.name}" has had no rollout`);
  const possible = possibleActions(rollout, state, now);
  if (possible.includes(action)) return rollout;
  const what = `the latest rollout of "${deployment.name}"`;
  const instead = possible.length === 0 ? 'nothing is possible now' : `possible now: ${possible.join(', ')}`;
  if (possible.length === 0 || possible.includes('undo')) {
    const status = rollout.status === 'COMPLETED' ? 'is completed; roll back to undo it' : 'is over';
    throw new SlipwayError('ROLLOUT_FINISHED', `${what} ${status}; ${instead}`);
  }
  if (action === 'undo') throw new SlipwayError('ROLLOUT_ACTION_REFUSED', `${what} is under way, there is nothing to undo; ${instead}`);
  if (!hasSteps(rollout)) {
    throw new SlipwayError(
      'ROLLOUT_ACTION_UNSUPPORTED',
      `a rollout with the strategy "${rollout.strategy}" has no steps to ${action}; abort it or let it finish`,
    );
  }
  const why = action === 'approve' ? 'its present stage asks for no approval, or has it' : `it is ${rollout.status}`;
  throw new SlipwayError('ROLLOUT_ACTION_REFUSED', `${what} cannot take "${action}": ${why}; ${instead}`);
}

function revisionToUndoTo({ state, now }: LockedDeployment, rollout: Rollout): number | undefined {
  const target = undoTarget(rollout, state, now);
  return state.revisions.find((revision) => revision.id === target)?.number;
}

async function wishOf(
  tx: Transaction,
  locked: LockedDeployment,
  rollout: Rollout,
  action: 'pause' | 'resume' | 'promote' | 'approve',
): Promise<Wish> {
  switch (action) {
    case 'pause':
      return { action: 'paused', status: 'PAUSED', data: { wish: 'pause', status: 'PAUSED', waitingFor: 'a person to resume it' } };
    case 'resume':
      return {
        action: 'resumed',
        status: 'PROGRESSING',
        data: { wish: null, status: 'PROGRESSING', waitingFor: null, stepStartedAt: locked.now, waived: toJson(waiversOf(rollout)) },
      };
    case 'promote':
      await refuseFrozen(tx, locked, rollout);
      await refuseUnmetGatesOfShadow(tx, locked, rollout);
      return { action: 'promoted', data: { promoteNow: true, waitingFor: 'the candidate to be warm' } };
    case 'approve':
      return { action: 'approved', data: { approvedStage: rollout.step } };
  }
}

/** What stands against a held rollout at the moment that a person lets it go on. */
function waiversOf(rollout: Rollout): readonly Rollout['waived'][number][] {
  if (rollout.status !== 'HELD') return rollout.waived;
  const standing = rollout.judgements.filter(({ mode, outcome }) => mode === 'enforce' && (outcome === 'fail' || outcome === 'common_fault'));
  const isKnown = (guard: string, outcome: string) => standing.some((waiver) => waiver.guard === guard && waiver.outcome === outcome);
  return [
    ...rollout.waived.filter((waiver) => !isKnown(waiver.guard, waiver.outcome)),
    ...standing.map(({ guard, outcome }) => ({ guard, outcome })),
  ];
}

/** Gates were not asked when it began, because it was to end without live callers. */
async function refuseUnmetGatesOfShadow(tx: Transaction, { state }: LockedDeployment, rollout: Rollout): Promise<void> {
  const versionOf = (id: string | undefined) => state.revisions.find((revision) => revision.id === id)?.versionId;
  const versionId = versionOf(rollout.toRevisionId);
  if (rollout.plan.afterStages !== 'end' || versionId === undefined || versionId === versionOf(rollout.fromRevisionId)) return;
  await refuseUnmetGates(tx, versionId, false);
}

async function refuseFrozen(tx: Transaction, { state, now }: LockedDeployment, rollout: Rollout): Promise<void> {
  if (rollout.overrideFreeze || rollout.fromRevisionId === undefined) return;
  const open = openWindow(await loadFreezeWindows(tx, state.deployment.projectId), state.deployment.id, now);
  if (open === undefined) return;
  throw new SlipwayError(
    'ROLLOUT_FROZEN',
    `the freeze window "${open.name}" is open until ${open.until.toISOString()}; nothing moves forward before, taking back is possible at any time`,
  );
}

async function write(
  tx: Transaction,
  by: ChangeBy,
  { state, now }: LockedDeployment,
  rollout: Rollout,
  { wish, reason }: { readonly wish: Wish; readonly reason: string | undefined },
): Promise<void> {
  const status = wish.status ?? rollout.status;
  const { count } = await tx.rollout.updateMany({
    where: { id: rollout.id, rowVersion: rollout.rowVersion },
    data: { ...wish.data, rowVersion: { increment: 1 } },
  });
  if (count === 0) {
    throw new SlipwayError('DEPLOYMENT_CHANGED', `the rollout of "${state.deployment.name}" went on at the same moment; look at it and try again`);
  }
  const { phase, step: stage, weightPercent } = rollout;
  await recordTransition(tx, {
    rolloutId: rollout.id,
    at: now,
    actor: by.actor,
    action: wish.action,
    place: { status, phase, stage, weightPercent },
    reason,
    judgements: rollout.judgements,
  });
  await announceWish(tx, {
    by,
    action: `rollout.${wish.action}`,
    deployment: state.deployment,
    reason,
    before: { rollout: rollout.id, status: rollout.status, phase, stage, weightPercent },
    after: { rollout: rollout.id, status, phase, stage, weightPercent },
  });
}

/** The wish itself changes back at once, so that traffic is where it was before whoever advances rollouts has seen it. */
async function abort(tx: Transaction, by: ChangeBy, { state }: LockedDeployment, rollout: Rollout, reason: string | undefined): Promise<void> {
  const { id, status } = rollout;
  await endWalkingRollout(tx, state.deployment.id, { wish: 'abort', by: by.actor, reason });
  await wishBack(tx, rollout);
  await announceWish(tx, {
    by,
    action: 'rollout.abort_requested',
    deployment: state.deployment,
    reason,
    before: { rollout: id, status, wish: rollout.wish ?? null },
    after: { rollout: id, status, wish: 'abort' },
  });
}
