import type { Signature } from '@slipway/contracts';
import type { ServingDeployment } from './serving-deployment.js';

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Only what is spoken today; clients switch features on by these names. */
export const extensions = ['binary_tensor_data'] as const;

/** The platform as Triton names it in its answers. */
export const platform = 'onnxruntime_onnx';

/**
 * What a deployment takes and gives, as the protocol says it. Without a version it speaks of the revision that has the traffic.
 * @returns undefined when there is no such version here, or nothing is known of any revision.
 */
export function modelMetadata(deployment: ServingDeployment, version: number | undefined): ModelMetadata | undefined {
  const { current } = deployment;
  const signature = version === undefined ? mainSignature(deployment) : versionSignature(deployment, version);
  if (signature === undefined) return undefined;
  return {
    name: current.name,
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

function mainSignature(deployment: ServingDeployment): Signature | undefined {
  return (deployment.mainLane()?.revision ?? deployment.current.revisions[0])?.signature;
}

function versionSignature(deployment: ServingDeployment, version: number): Signature | undefined {
  const lane = deployment.laneOfVersion(version);
  return typeof lane === 'string' ? undefined : lane.revision.signature;
}

function toTensor({ name, datatype, shape }: Signature['inputs'][number]): TensorMetadata {
  return { name, datatype, shape };
}

export interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  readonly reason: string;
}

/** The repository index: each deployment with its versions; `readyOnly` leaves out what cannot answer. */
export function repositoryIndex(deployments: readonly ServingDeployment[], readyOnly: boolean): IndexEntry[] {
  const entries = deployments.flatMap(indexOf);
  return readyOnly ? entries.filter((entry) => entry.state === 'READY') : entries;
}

function indexOf(deployment: ServingDeployment): IndexEntry[] {
  const { current } = deployment;
  const { name } = current;
  if (current.suspended) return [{ name, state: 'UNAVAILABLE', reason: 'suspended' }];
  const byVersion = new Map<number, IndexEntry>();
  for (const revision of current.revisions) {
    if (revision.instances.length === 0) continue;
    const isReady = deployment.isReady(revision.revisionId);
    if (byVersion.get(revision.versionNumber)?.state === 'READY') continue;
    const version = String(revision.versionNumber);
    byVersion.set(revision.versionNumber, { name, version, state: isReady ? 'READY' : 'LOADING', reason: '' });
  }
  if (byVersion.size === 0) return [{ name, state: 'UNAVAILABLE', reason: current.statusReason ?? 'no instance' }];
  return [...byVersion.values()].toSorted((a, b) => Number(a.version) - Number(b.version));
}
