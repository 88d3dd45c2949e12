import type { DeploymentState } from '../deployments/deployment-state.js';
import { type Instance, isRunning } from './instance.js';
import { instanceNeed } from './instance-need.js';
import { freeBytes, type HostLoad } from './place-instance.js';
import type { WantedRevision } from './wanted-revisions.js';

/**
 * Instances of a deployment that are only kept warm and should end, so that one of it that should serve finds room: those of the revision
 * that was retired first go first, no more than needed, all on one host. None when that would not be enough, or while others are ending.
 */
export function makeRoom(
  state: DeploymentState,
  wanted: readonly WantedRevision[],
  hosts: readonly HostLoad[],
  neededBytes: number,
): readonly Instance[] {
  const running = state.instances.filter(isRunning);
  // Their memory still counts; with it there may be room enough.
  if (running.some((instance) => instance.wish === 'STOP')) return [];
  const coldestFirst = wanted.filter(({ role }) => role === 'warm').toReversed();
  for (const host of hosts) {
    const ending: Instance[] = [];
    let free = freeBytes(host);
    for (const { revision } of coldestFirst) {
      for (const instance of running) {
        if (instance.revisionId !== revision.id || instance.hostId !== host.id || free >= neededBytes) continue;
        ending.push(instance);
        free += instanceNeed(revision).memoryBytes;
      }
    }
    if (ending.length > 0 && free >= neededBytes) return ending;
  }
  return [];
}
