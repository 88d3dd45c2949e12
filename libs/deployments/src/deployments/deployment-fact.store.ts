import type { Database } from '@slipway/platform';
import { hostSilentAfterMs } from '../hosts/host.js';
import { atOneMoment } from '../rows/at-one-moment.store.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { type DeploymentState, namesOf, revisionOf, servingRevision } from './deployment-state.js';
import { loadStates } from './deployment-state.store.js';
import { deriveStatus } from './derive-status.js';
import { announceFact, writeActiveRevision } from './write-fact.store.js';

/** Writes down what deployments are; used by the worker alone. */
export class DeploymentFactStore {
  constructor(private readonly db: Database) {}

  /**
   * Settles every living deployment whose facts lag behind: the active revision follows a rollback that took effect, and the status follows
   * the instances. Each write holds only for the epoch it was made for, so running it twice or late is harmless.
   * @returns how many deployments were changed.
   */
  async settleAll(): Promise<number> {
    const now = await databaseNow(this.db);
    const hosts = await this.db.host.findMany({ where: { lastSeenAt: { lt: new Date(now.getTime() - hostSilentAfterMs) } }, select: { id: true } });
    const silent = new Set(hosts.map((host) => host.id));
    const living = { OR: [{ deletedAt: null }, { status: { not: 'DELETING' } }] };
    const states = await atOneMoment(this.db, (tx) => loadStates(tx, living, now));
    let changed = 0;
    for (const state of states) {
      const active = await this.settleActive(state, now);
      const status = await this.settleStatus(state, silent);
      if (active || status) changed += 1;
    }
    return changed;
  }

  private async settleActive(state: DeploymentState, now: Date): Promise<boolean> {
    const { deployment } = state;
    const serving = servingRevision(state);
    if (serving === undefined || serving.id === deployment.fact.activeRevisionId) return false;
    return this.db.$transaction(async (tx) => {
      // A rollout of the same epoch may have completed since the state was read; its revision stays.
      const from = deployment.fact.activeRevisionId ?? null;
      const change = { deploymentId: deployment.id, epoch: deployment.wish.epoch, revisionId: serving.id, now, from };
      if (!(await writeActiveRevision(tx, change))) return false;
      const before = namesOf(revisionOf(state, deployment.fact.activeRevisionId));
      await announceFact(tx, { deployment, actor: 'system:rollouts', action: 'deployment.settled', before, after: namesOf(serving) });
      return true;
    });
  }

  private async settleStatus(state: DeploymentState, silentHosts: ReadonlySet<string>): Promise<boolean> {
    const { deployment } = state;
    const next = deriveStatus(state, silentHosts);
    if (next.status === deployment.fact.status && next.reason === deployment.fact.statusReason) return false;
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.deployment.updateMany({
        where: { id: deployment.id, epoch: deployment.wish.epoch, status: deployment.fact.status },
        data: { status: next.status, statusReason: next.reason ?? null },
      });
      if (count === 0) return false;
      if (next.status === deployment.fact.status) return true;
      const before = { status: deployment.fact.status };
      await announceFact(tx, {
        deployment,
        actor: 'system:rollouts',
        action: 'deployment.status_changed',
        reason: next.reason,
        before,
        after: { status: next.status },
      });
      return true;
    });
  }
}
