import type { DeploymentState } from '../deployments/deployment-state.js';
import { type Host, isLive } from '../hosts/host.js';
import { type Instance, isRunning, isServing } from './instance.js';
import { instanceNeed } from './instance-need.js';
import { makeRoom } from './make-room.js';
import { addLoad, fits, type HostLoad, type InstanceNeed, placeInstance } from './place-instance.js';
import { wantedRevisions } from './wanted-revisions.js';

export interface PlannedStart {
  readonly deploymentId: string;
  /** The epoch the plan was made for; a newer one makes it void. */
  readonly epoch: number;
  readonly revisionId: string;
  readonly hostId: string;
}

export interface PlannedStop {
  readonly deploymentId: string;
  readonly epoch: number;
  readonly instanceId: string;
}

/** A revision for which it has changed why instances of it are missing. */
export interface PlannedReason {
  readonly deploymentId: string;
  readonly epoch: number;
  readonly revisionId: string;
  /** Undefined when all that should be placed now are. */
  readonly reason: string | undefined;
}

export interface InstancePlan {
  readonly starts: readonly PlannedStart[];
  readonly stops: readonly PlannedStop[];
  readonly reasons: readonly PlannedReason[];
  /** Replicas that could not be placed, because no host is there or none has room. */
  readonly unplaced: number;
}

/** Failures older than this no longer slow a restart down. */
export const failureMemoryMs = 600_000;
const backoffMaxMs = 60_000;

/**
 * Which instances to start and where, and which to stop, so that every wanted revision has its replicas. Applying the plan and planning again
 * yields nothing, so two planners do no harm. Failed instances are replaced after 1, 2, 4 … 60 s. Instances on a host that has fallen silent are
 * or is being drained are replaced elsewhere, and are asked to stop only when their replacements are ready. A host gets no more than it has
 * memory and GPUs for; where memory is short, instances that are only kept warm give way to those of the same deployment that should serve.
 * @param now on the database's clock, like all times in the rows.
 */
export function planInstances(states: readonly DeploymentState[], hosts: readonly Host[], now: Date): InstancePlan {
  const live = hosts.filter((host) => isLive(host, now));
  const loads = measureLoads(states, live);
  const all = [...loads.values()];
  const staying = new Set(live.filter((host) => !host.draining).map((host) => host.id));
  const starts: PlannedStart[] = [];
  const stops: PlannedStop[] = [];
  const reasons: PlannedReason[] = [];
  let unplaced = 0;
  for (const state of states) {
    const { id: deploymentId, wish } = state.deployment;
    const { epoch } = wish;
    const running = state.instances.filter((instance) => isRunning(instance) && instance.wish === 'RUN');
    const wanted = wantedRevisions(state, now);
    const wantedIds = new Set(wanted.map(({ revision }) => revision.id));
    const missing = new Map<string, string>();
    const stop = (instance: Instance) => stops.push({ deploymentId, epoch, instanceId: instance.id });
    for (const instance of running) if (!wantedIds.has(instance.revisionId)) stop(instance);
    for (const { revision, role } of wanted) {
      const own = running.filter((instance) => instance.revisionId === revision.id);
      const usable = own.filter((instance) => staying.has(instance.hostId));
      surplus(own, usable, revision.replicas).forEach(stop);
      if (isBackingOff(state.instances, revision.id, now)) continue;
      const need = instanceNeed(revision);
      for (let lacking = revision.replicas - usable.length; lacking > 0; lacking -= 1) {
        const placed = placeInstance(all, need);
        if (placed.host === undefined) {
          unplaced += lacking;
          missing.set(revision.id, placed.reason);
          const possible = all.filter((host) => fits(host, need));
          if (role !== 'warm') makeRoom(state, wanted, possible, need.memoryBytes).forEach(stop);
          break;
        }
        addLoad(placed.host, need);
        starts.push({ deploymentId, epoch, revisionId: revision.id, hostId: placed.host.id });
      }
    }
    for (const { id: revisionId, unplacedReason } of state.revisions) {
      const reason = missing.get(revisionId);
      if (reason !== unplacedReason) reasons.push({ deploymentId, epoch, revisionId, reason });
    }
  }
  return { starts, stops, reasons, unplaced };
}

function measureLoads(states: readonly DeploymentState[], live: readonly Host[]): Map<string, HostLoad> {
  const loads = new Map<string, HostLoad>();
  for (const { id, name, cores, memoryBytes, gpus, labels, schedulable, draining } of live) {
    const nothing = { instances: 0, placedBytes: 0, placedThreads: 0, placedGpus: 0, perRevision: new Map() };
    loads.set(id, { id, name, cores, memoryBytes, gpus, labels, isOpen: schedulable && !draining, ...nothing });
  }
  for (const state of states) {
    const needs = new Map(state.revisions.map((revision) => [revision.id, instanceNeed(revision)]));
    for (const { hostId, revisionId, status, setup } of state.instances) {
      const load = loads.get(hostId);
      if (load === undefined || !isRunning({ status })) continue;
      const need = needs.get(revisionId) ?? unknownNeed(revisionId);
      // What the host has given counts, once it is known.
      addLoad(load, { ...need, threads: setup.threads ?? need.threads });
    }
  }
  return loads;
}

function unknownNeed(revisionId: string): InstanceNeed {
  return { revisionId, memoryBytes: 0, threads: 1, gpus: 0, labels: {} };
}

/** What is beyond the wanted number. While not enough are ready, a ready one is never stopped, not even on a silent host. */
function surplus(own: readonly Instance[], usable: readonly Instance[], replicas: number): readonly Instance[] {
  const best = [...usable].sort(
    (a, b) => Number(isServing(b)) - Number(isServing(a)) || a.createdAt.getTime() - b.createdAt.getTime() || a.id.localeCompare(b.id),
  );
  const kept = new Set(best.slice(0, replicas));
  const enough = kept.size === replicas && [...kept].every(isServing);
  return enough ? own.filter((instance) => !kept.has(instance)) : usable.filter((instance) => !kept.has(instance) && !isServing(instance));
}

function isBackingOff(instances: readonly Instance[], revisionId: string, now: Date): boolean {
  const failures = instances
    .filter((instance) => instance.revisionId === revisionId && instance.status === 'FAILED')
    .map((instance) => instance.updatedAt.getTime())
    .filter((at) => now.getTime() - at < failureMemoryMs);
  if (failures.length === 0) return false;
  const waitMs = Math.min(1000 * 2 ** (failures.length - 1), backoffMaxMs);
  return now.getTime() < Math.max(...failures) + waitMs;
}
