import { channels, type Database, newId, nudge, Prisma, type Transaction } from '@slipway/platform';
import { loadStates } from '../deployments/deployment-state.store.js';
import { lockCurrentEpochs } from '../deployments/lock-current-epochs.store.js';
import { hostColumns, toHost } from '../hosts/host-rows.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { type InstancePlan, planInstances } from './plan-instances.js';

/** What a pass of the planner did; `skipped` when another planner was at it. */
export type PlanResult =
  | { readonly kind: 'skipped' }
  | { readonly kind: 'planned'; readonly started: number; readonly stopped: number; readonly unplaced: number };

/** So long a pass may keep the others waiting between two statements; reading and planning take less than a second. */
const idleMaxMs = 5_000;
/** Any number that nothing else locks by. */
const plannerLock = 7_104_202_601;

/** Plans and writes the wishes for instances; used by the worker alone. */
export class InstancePlanStore {
  constructor(private readonly db: Database) {}

  /** One pass, in one transaction, under a lock that the transaction's end frees, whatever ends it. */
  async planOnce(): Promise<PlanResult> {
    return this.db.$transaction(async (tx) => {
      const [lock] = await tx.$queryRaw<{ got: boolean }[]>`select pg_try_advisory_xact_lock(${plannerLock}) as got`;
      if (lock?.got !== true) return { kind: 'skipped' };
      // A worker that is stopped in the middle of a pass holds the lock until the server ends its session.
      await tx.$executeRaw`set local idle_in_transaction_session_timeout = ${Prisma.raw(String(idleMaxMs))}`;
      const { states, hosts, now } = await this.read();
      const plan = planInstances(states, hosts.map(toHost), now);
      return { kind: 'planned', unplaced: plan.unplaced, ...(await apply(tx, plan, now)) };
    });
  }

  /** What is planned for, as of one moment. A transaction of its own: the plan is written under locks, which a snapshot would make fail. */
  private read() {
    const inQuestion = { OR: [{ deletedAt: null }, { instances: { some: { status: { notIn: ['GONE', 'FAILED'] } } } }] };
    return atOneMoment(this.db, async (tx, now) => ({
      now,
      states: await loadStates(tx, inQuestion, now),
      hosts: await tx.host.findMany({ select: hostColumns }),
    }));
  }
}

async function apply(tx: Transaction, plan: InstancePlan, now: Date): Promise<{ started: number; stopped: number }> {
  const current = await lockCurrentEpochs(tx, [...plan.starts, ...plan.stops, ...plan.reasons]);
  const starts = plan.starts.filter((start) => current.has(start.deploymentId));
  const stops = plan.stops.filter((stop) => current.has(stop.deploymentId));
  if (starts.length > 0) {
    await tx.instance.createMany({
      data: starts.map(({ deploymentId, revisionId, hostId, epoch }) => ({
        id: newId('ins'),
        deploymentId,
        revisionId,
        hostId,
        epoch,
        createdAt: now,
        updatedAt: now,
      })),
    });
  }
  if (stops.length > 0) await tx.instance.updateMany({ where: { id: { in: stops.map((stop) => stop.instanceId) } }, data: { wish: 'STOP' } });
  for (const { deploymentId, revisionId, reason } of plan.reasons) {
    if (current.has(deploymentId)) await tx.revision.updateMany({ where: { id: revisionId }, data: { unplacedReason: reason ?? null } });
  }
  if (starts.length + stops.length > 0) {
    await nudge(tx, channels.instances);
    await nudge(tx, channels.routing);
  }
  return { started: starts.length, stopped: stops.length };
}
