import type { RoutingRows } from '@slipway/deployments';
import { z } from 'zod';

/** A person on this host wants a deployment on this revision, now, whatever the database says or cannot say. */
export const Pin = z.strictObject({
  projectId: z.string().min(1),
  deployment: z.string().min(1),
  revision: z.number().int().min(1),
  reason: z.string().max(1000).optional(),
});
export type Pin = z.infer<typeof Pin>;

/** @returns why the pin cannot hold; undefined when it can. */
export function refusalOfPin(rows: RoutingRows, pin: Pin): string | undefined {
  const deployment = deploymentOf(rows, pin);
  if (deployment === undefined) return `this gateway knows no deployment "${pin.deployment}"`;
  if (deployment.suspended) return `"${pin.deployment}" is suspended`;
  const revision = revisionOf(rows, deployment.deploymentId, pin);
  const isWarm = rows.instances.some((instance) => instance.revisionId === revision?.revisionId && instance.ready);
  return isWarm ? undefined : `revision ${pin.revision} of "${pin.deployment}" has no ready instance that this gateway knows of`;
}

/** Rows as they would be after a rollback to what is pinned; pins that cannot hold change nothing. */
export function pinRows(rows: RoutingRows, pins: readonly Pin[]): RoutingRows {
  const held = pins.filter((pin) => refusalOfPin(rows, pin) === undefined);
  if (held.length === 0) return rows;
  const deployments = rows.deployments.map((row) => {
    const pin = held.find((each) => each.projectId === row.projectId && each.deployment === row.name);
    const revision = pin === undefined ? undefined : revisionOf(rows, row.deploymentId, pin);
    return revision === undefined ? row : { ...row, wishKind: 'ROLLBACK', desiredRevisionId: revision.revisionId };
  });
  return { ...rows, deployments };
}

function deploymentOf(rows: RoutingRows, { projectId, deployment }: Pin) {
  return rows.deployments.find((row) => row.projectId === projectId && row.name === deployment);
}

function revisionOf(rows: RoutingRows, deploymentId: string, { revision }: Pin) {
  return rows.revisions.find((row) => row.deploymentId === deploymentId && row.number === revision);
}
