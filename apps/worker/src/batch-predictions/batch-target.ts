import { type DeploymentView, SlipwayError, type TensorSignature } from '@slipway/contracts';
import { chooseTarget, type DeploymentStore, requestRows } from '@slipway/deployments';
import type { Database } from '@slipway/platform';
import { findVersion, toVersionView } from '@slipway/registry';
import { featureNamesOf } from '@slipway/tables';

/** What the rows of a job are made for. */
export interface BatchTarget {
  readonly deployment: string;
  readonly version: number;
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly featureNames: readonly string[] | undefined;
  readonly hasRows: boolean;
  readonly maxRows: number;
  /** Nobody is answered until it is resumed. */
  readonly isSuspended: boolean;
}

/** The job cannot be done, now or later. The message is a sentence for whoever wished it. */
export class BatchFailure extends Error {
  override readonly name: string = 'BatchFailure';
}

/** The version that was asked for has no instance. While one is replaced that is so for a moment. */
export class NotServed extends BatchFailure {
  override readonly name = 'NotServed';
}

/** Which job, for which deployment. */
export interface Wished {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly version: number | undefined;
}

/**
 * What serves the rows now.
 * @throws BatchFailure when the deployment is gone; NotServed when it does not serve the version that was asked for.
 */
export async function readTarget(deployments: DeploymentStore, db: Database, wished: Wished): Promise<BatchTarget> {
  const view = await viewOf(deployments, wished);
  const target = chooseTarget(view, wished.version);
  if (target === undefined) throw new NotServed(notServed(view, wished.version));
  const { row, model } = await findVersion(db, wished.projectId, view.model, { version: target.version });
  const { signature, task, rowsIndependent, metadata } = toVersionView(row, model.name);
  if (signature === null) throw new BatchFailure(`version ${target.version} of "${view.name}" has no signature, so nothing can be made of rows`);
  const { inputs, outputs } = signature;
  return {
    deployment: view.name,
    version: target.version,
    inputs,
    outputs,
    featureNames: featureNamesOf(metadata),
    isSuspended: view.suspended,
    ...requestRows({ signature, task, rowsIndependent }, target.batching),
  };
}

async function viewOf(deployments: DeploymentStore, { projectId, deploymentId, deploymentName }: Wished): Promise<DeploymentView> {
  const view = await deployments.view(projectId, deploymentName).catch((error: unknown) => {
    if (error instanceof SlipwayError && error.code === 'DEPLOYMENT_NOT_FOUND') return undefined;
    throw error;
  });
  // Another deployment may have the name of a deleted one.
  if (view === undefined || view.id !== deploymentId) throw new BatchFailure(`the deployment "${deploymentName}" was deleted`);
  return view;
}

function notServed(view: DeploymentView, version: number | undefined): string {
  return version === undefined ? `"${view.name}" has no revision` : `version ${version} of "${view.name}" is not served any more`;
}
