import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment } from '@slipway/deployments';
import { InstanceSpec } from '@slipway/inference';
import { z } from 'zod';
import { processSuffix } from './instance-paths.js';

/** Which process an instance is. Kept on disk, so that a new worker finds the instances of a killed one, also without the database. */
export const ProcessRecord = z.object({
  instanceId: z.string(),
  pid: z.number().int(),
  startTime: z.string(),
  restarts: z.number().int(),
  /** Why the process before it ended. */
  reason: z.string().optional(),
  /** This process or one before it. */
  hasBeenReady: z.boolean(),
  /** This very process. */
  isProven: z.boolean().optional(),
  memoryLimitBytes: z.number().optional(),
  memoryBytes: z.number().optional(),
  /** The folder of its control group. */
  memoryGroup: z.string().optional(),
  threadWish: z.object({ wished: z.union([z.number().int().min(1), z.literal('auto')]), runMs: z.number().optional() }).optional(),
  threadsNote: z.string().optional(),
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

/** Writes a file whole or not at all. */
export function writeJson(path: string, value: unknown): void {
  const temporary = `${path}.part`;
  writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
  renameSync(temporary, path);
}

/** All readable records of the run folder; unreadable ones are removed. */
export function listProcessRecords(folder: string): ProcessRecord[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(processSuffix))
    .flatMap((name) => {
      try {
        return [ProcessRecord.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))];
      } catch {
        rmSync(join(folder, name), { force: true });
        return [];
      }
    });
}

/** What an instance was told at its start; undefined when that is lost. */
export function readSpec(path: string): InstanceSpec | undefined {
  try {
    return InstanceSpec.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Where an instance belongs: enough to report on it. */
export type InstanceIdentity = Pick<
  Assignment,
  'instanceId' | 'projectId' | 'deploymentId' | 'deploymentName' | 'revisionId' | 'revisionNumber' | 'versionId' | 'versionNumber'
>;

export function identityOf(from: InstanceIdentity): InstanceIdentity {
  const { instanceId, projectId, deploymentId, deploymentName, revisionId, revisionNumber, versionId, versionNumber } = from;
  return { instanceId, projectId, deploymentId, deploymentName, revisionId, revisionNumber, versionId, versionNumber };
}
