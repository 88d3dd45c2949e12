import { foldName, invariant, ResourceName, SlipwayError } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';
import { databaseNow } from '../rows/database-clock.store.js';
import type { DeploymentState } from './deployment-state.js';
import { loadStates } from './deployment-state.store.js';

/** A deployment under a row lock until the transaction ends, and the database's time. */
export interface LockedDeployment {
  readonly state: DeploymentState;
  readonly now: Date;
}

/** Locks a living deployment, so that wishes for it are taken one after another. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
export async function lockDeployment(tx: Transaction, projectId: string, name: string): Promise<LockedDeployment> {
  const [row] = await tx.$queryRaw<{ id: string }[]>`
    select id from "Deployment" where "projectId" = ${projectId} and "nameFolded" = ${nameKey(name)} and "deletedAt" is null for update`;
  if (row === undefined) throw noDeployment(name);
  const now = await databaseNow(tx);
  const [state] = await loadStates(tx, { id: row.id }, now);
  invariant(state !== undefined, 'a locked deployment is there', { id: row.id });
  return { state, now };
}

/** What a deployment of this name is looked up by. A name that cannot be one is not looked up. @throws SlipwayError DEPLOYMENT_NOT_FOUND */
export function nameKey(name: string): string {
  if (!ResourceName.safeParse(name).success) throw noDeployment(name);
  return foldName(name);
}

export function noDeployment(name: string): SlipwayError {
  return new SlipwayError(
    'DEPLOYMENT_NOT_FOUND',
    `there is no deployment ${JSON.stringify(name.slice(0, 128))} in this project; GET /v1/deployments lists those that are there`,
  );
}

/** @throws SlipwayError DEPLOYMENT_SUSPENDED */
export function refuseSuspended(state: DeploymentState): void {
  if (!state.deployment.wish.suspended) return;
  throw new SlipwayError('DEPLOYMENT_SUSPENDED', `the deployment "${state.deployment.name}" is suspended; resume it first`);
}
