import { type RecordKeys, SlipwayError } from '@slipway/contracts';
import type { Assignment } from '@slipway/deployments';
import { defaultInstanceLimits, defaultInstanceRecords, type InstanceSpec } from '@slipway/inference';
import type { Door } from './door-ports.js';
import type { InstancePaths } from './instance-paths.js';

export interface InstancePlace {
  readonly modelPath: string;
  readonly paths: InstancePaths;
  readonly door?: Door | undefined;
  readonly maxBodyBytes: number;
  readonly maxSpoolBytes: number;
  /** For revisions that keep inputs: in their records, or to learn a reference from. */
  readonly recordKeys?: RecordKeys | undefined;
}

/** Tells an instance what to run and how. @throws SlipwayError VERSION_NOT_READY for a version without a signature */
export function buildInstanceSpec(assignment: Assignment, place: InstancePlace): InstanceSpec {
  const { signature, spec, batching } = assignment;
  if (signature === undefined) {
    throw new SlipwayError('VERSION_NOT_READY', `version ${assignment.versionNumber} of model "${assignment.modelName}" has no signature`);
  }
  const latencyTarget = batching.latencyTargetMs === undefined ? {} : { latencyTargetMs: batching.latencyTargetMs };
  return {
    protocol: 1,
    instanceId: assignment.instanceId,
    projectId: assignment.projectId,
    deploymentId: assignment.deploymentId,
    deploymentName: assignment.deploymentName,
    revisionId: assignment.revisionId,
    revisionNumber: assignment.revisionNumber,
    versionId: assignment.versionId,
    modelName: assignment.modelName,
    versionNumber: assignment.versionNumber,
    digest: assignment.digest,
    modelPath: place.modelPath,
    socketPath: place.paths.socket,
    ...(place.door === undefined ? {} : { door: place.door }),
    spoolFolder: place.paths.spool,
    signature,
    ...(assignment.task === undefined ? {} : { task: assignment.task }),
    session: {
      // Given out of the host's budget whenever a process starts.
      intraOpThreads: 1,
      interOpThreads: 1,
      executionProviders: [...spec.executionProviders],
      graphOptimization: 'all',
    },
    ...(spec.outputRanges === undefined ? {} : { outputRanges: [...spec.outputRanges] }),
    ...(assignment.runMs === undefined ? {} : { runMs: assignment.runMs }),
    batching: { isOn: batching.isOn, maxBatchSize: batching.maxBatchSize, maxDelayMs: batching.maxDelayMs, ...latencyTarget },
    limits: { ...defaultInstanceLimits, maxBodyBytes: place.maxBodyBytes, ...(batching.isStated ? { maxRows: batching.maxBatchSize } : {}) },
    records: recordsOf(spec, place),
    monitoring: { profiles: spec.monitoring.profiles, ...(place.recordKeys === undefined ? {} : { learningKey: place.recordKeys.sealingKey }) },
  };
}

function recordsOf({ recordPredictions, monitoring }: Assignment['spec'], { maxSpoolBytes, recordKeys }: InstancePlace): InstanceSpec['records'] {
  const { slices, joinKey, records } = monitoring;
  const { maxPerSecond, inputs } = records;
  return {
    ...defaultInstanceRecords,
    enabled: recordPredictions,
    maxPerSecond,
    maxSpoolBytes,
    slices,
    ...(joinKey === undefined ? {} : { joinKey }),
    ...(inputs === undefined || recordKeys === undefined ? {} : { inputs: { ...inputs, ...recordKeys } }),
  };
}
