import { channels, type Database, newId, nudge, Prisma, type Transaction } from '@slipway/platform';
import type { DeploymentState } from '../deployments/deployment-state.js';
import { loadStates } from '../deployments/deployment-state.store.js';
import { lockCurrentEpochs } from '../deployments/lock-current-epochs.store.js';
import type { Host } from '../hosts/host.js';
import { hostColumns, toHost } from '../hosts/host-rows.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { type InstancePlan, planInstances } from './plan-instances.js';

/** What a pass of the planner did; `skipped` when another planner was at it. */
export type PlanResult =
  | { readonly kind: 'skipped' }
  | { readonly kind: 'planned'; readonly started: number; readonly stopped: number; readonly unplaced: number };

/** So long a pass may keep the others waiting between two statements; reading and planning take less than a second where the machine is not overloaded. */
const idleMaxMs = 9_000;
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
      const plan = planInstances(states, hosts, now);
      return { kind: 'planned', unplaced: plan.unplaced, ...(await apply(tx, plan, now)) };
    });
  }

  /** What is planned for, as of one moment. A transaction of its own: the plan is written under locks, which a snapshot would make fail. */
  read(): Promise<{ readonly now: Date; readonly states: readonly DeploymentState[]; readonly hosts: readonly Host[] }> {
    const inQuestion = { OR: [{ deletedAt: null }, { instances: { some: { status: { notIn: ['GONE', 'FAILED'] } } } }] };
    return atOneMoment(this.db, async (tx, now) => ({
      now,
      states: await loadStates(tx, inQuestion, now, { onlyWarm: true }),
      hosts: (await tx.host.findMany({ select: hostColumns })).map(toHost),
    }));
  }
}

async function apply(tx: Transaction, plan: InstancePlan, now: Date): Promise<{ started: number; stopped: number }> {
  const current = await lockCurrentEpochs(tx, [...plan.starts, ...plan.stops, ...plan.reasons]);
  const starts = plan.starts.filter((start) => current.has(start.deploymentId));
  const stops = plan.stops.filter((stop) => current.has(stop.deploymentId));
  if (starts.length > 0) {
    const ids = starts.map(() => newId('ins'));
    const of = (key: 'deploymentId' | 'revisionId' | 'hostId') => starts.map((start) => start[key]);
    const epochs = starts.map(({ epoch }) => epoch);
    await tx.$executeRaw`insert into "Instance" ("id", "deploymentId", "revisionId", "hostId", "epoch", "createdAt", "updatedAt")
      select planned.*, ${now}::timestamptz, ${now}::timestamptz
      from unnest(${ids}::text[], ${of('deploymentId')}::text[], ${of('revisionId')}::text[], ${of('hostId')}::text[], ${epochs}::int[]) as planned`;
  }
  if (stops.length > 0) await tx.instance.updateMany({ where: { id: { in: stops.map((stop) => stop.instanceId) } }, data: { wish: 'STOP' } });
  const reasons = plan.reasons.filter(({ deploymentId }) => current.has(deploymentId));
  if (reasons.length > 0) {
    const ids = reasons.map(({ revisionId }) => revisionId);
    const texts = reasons.map(({ reason }) => reason ?? null);
    await tx.$executeRaw`update "Revision" r set "unplacedReason" = told.reason
      from unnest(${ids}::text[], ${texts}::text[]) as told(id, reason) where r.id = told.id`;
  }
  if (starts.length + stops.length > 0) {
    await nudge(tx, channels.instances);
    await nudge(tx, channels.routing);
  }
  return { started: starts.length, stopped: stops.length };
}
