import { channels, nudge, recordEvent, type Transaction } from '@slipway/platform';
import type { Deployment } from './deployment.js';

export interface FactEvent {
  readonly deployment: Pick<Deployment, 'id' | 'name' | 'projectId'>;
  /** "system:<part>". */
  readonly actor: string;
  readonly action: string;
  readonly reason?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Writes the event of a fact and tells gateways and planners to look again when the transaction commits. */
export async function announceFact(tx: Transaction, event: FactEvent): Promise<void> {
  const { deployment, actor, action, reason, before, after } = event;
  await recordEvent(tx, {
    projectId: deployment.projectId,
    actor,
    action,
    subject: { kind: 'deployment', id: deployment.id, name: deployment.name },
    reason,
    before,
    after,
  });
  await nudge(tx, channels.routing);
  await nudge(tx, channels.instances);
}

/**
 * Writes down which revision takes the traffic, and since when its predecessor no longer does.
 * @returns false, having changed nothing, when the deployment's epoch, or the active revision, is no longer the one this was decided for.
 */
export async function writeActiveRevision(
  tx: Transaction,
  change: {
    readonly deploymentId: string;
    readonly epoch: number;
    readonly revisionId: string;
    readonly now: Date;
    /** The active revision this was decided from; absent when it does not matter. */
    readonly from?: string | null;
  },
): Promise<boolean> {
  const { deploymentId, epoch, revisionId, now, from } = change;
  const { count } = await tx.deployment.updateMany({
    where: { id: deploymentId, epoch, deletedAt: null, suspended: false, ...(from === undefined ? {} : { activeRevisionId: from }) },
    data: { activeRevisionId: revisionId },
  });
  if (count === 0) return false;
  await tx.revision.updateMany({
    where: { deploymentId, id: { not: revisionId }, activatedAt: { not: null }, retiredAt: null },
    data: { retiredAt: now },
  });
  await tx.revision.updateMany({ where: { id: revisionId, activatedAt: null }, data: { activatedAt: now } });
  await tx.revision.updateMany({ where: { id: revisionId, retiredAt: { not: null } }, data: { retiredAt: null } });
  return true;
}
