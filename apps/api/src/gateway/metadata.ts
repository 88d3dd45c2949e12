import type { RoutingRevision } from '@slipway/deployments';
import type { ServingDeployment } from './serving-deployment.js';

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1 is an open dimension; where requests are joined it comes first and counts the rows. */
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** The optional parts of the protocol that are spoken; clients switch features on by these names. */
export const extensions = [
  'binary_tensor_data',
  'classification',
  'model_configuration',
  'model_repository',
  'model_repository(unload_dependents)',
  'parameters',
  'schedule_policy',
  'statistics',
] as const;

/** The platform as Triton names it in its answers. */
export const platform = 'onnxruntime_onnx';

/**
 * The revision that metadata and configuration speak of: without a version the one that has the traffic, or else the newest; with one,
 * that which answers when it is asked for by number.
 */
export function revisionFor(deployment: ServingDeployment, version: number | undefined): RoutingRevision | 'loading' | 'none' {
  if (version === undefined) return deployment.mainLane()?.revision ?? deployment.current.revisions[0] ?? 'loading';
  const lane = deployment.laneOfVersion(version);
  return typeof lane === 'string' ? lane : lane.revision;
}

/**
 * What a deployment takes and gives, as the protocol says it.
 * @returns undefined when nothing is known of the revision yet.
 */
export function modelMetadata(deployment: ServingDeployment, revision: RoutingRevision, version: number | undefined): ModelMetadata | undefined {
  const { signature } = revision;
  if (signature === undefined) return undefined;
  const toTensor = ({ name, datatype, shape }: TensorMetadata): TensorMetadata => ({ name, datatype, shape });
  return {
    name: deployment.current.name,
    versions: version === undefined ? warmVersions(deployment) : [String(version)],
    platform,
    inputs: signature.inputs.map(toTensor),
    outputs: signature.outputs.map(toTensor),
  };
}

/** The numbers of the versions that can be asked for by number, ascending. */
function warmVersions(deployment: ServingDeployment): string[] {
  if (deployment.current.suspended) return [];
  const warm = deployment.current.revisions.filter((revision) => deployment.isReady(revision.revisionId));
  return [...new Set(warm.map((revision) => revision.versionNumber))].toSorted((a, b) => a - b).map(String);
}
