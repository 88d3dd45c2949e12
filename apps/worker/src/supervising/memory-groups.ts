import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@slipway/contracts';
import { findGroupPlace, type GroupPlace } from './group-place.js';
import { MemoryGroup, removeGroup } from './memory-group.js';

/** Of the host's memory, what all instances together may take; the rest is for the system and for Slipway's own programs. */
const togetherRatio = 0.9;

export type OpenedGroups = { readonly groups: MemoryGroups } | { readonly groups: undefined; readonly why: string };

/**
 * The control groups of this home's instances: one above them all, with most of the host's memory, and in it one per instance. Below the
 * worker's own group where that is possible, so that a limit on Slipway as a whole holds for its instances as well.
 */
export class MemoryGroups {
  private constructor(readonly folder: string) {}

  /** @returns no groups, and why, where the system has none or lets us make none; memory must then be watched. */
  static open(home: string, hostMemoryBytes: number): OpenedGroups {
    const name = `slipway-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
    try {
      const place = findGroupPlace(readFileSync('/proc/self/cgroup', 'utf8'), readFileSync('/proc/self/mountinfo', 'utf8'));
      if (place === undefined) return { groups: undefined, why: 'this system has no control groups for memory' };
      const folder = join(place.version === 1 ? place.folder : folderForChildren(place), name);
      const groups = new MemoryGroups(folder);
      groups.prepare(place.version, Math.floor(hostMemoryBytes * togetherRatio));
      return { groups };
    } catch (error) {
      return { groups: undefined, why: messageOf(error) };
    }
  }

  /** The group of an instance, new and empty, with this limit. Throws where that fails. */
  make(instanceId: string, limitBytes: number): MemoryGroup {
    const folder = join(this.folder, instanceId);
    // One of an earlier process has counted what is no concern of the next.
    removeGroup(folder);
    return MemoryGroup.make(folder, limitBytes);
  }

  /**
   * Removes groups that a killed worker left and nothing lives in.
   * @param isKept whether an instance's group is still wanted: of one that has just died it tells why, however empty it is.
   */
  removeEmpty(isKept: (instanceId: string) => boolean = () => false): void {
    for (const entry of existsSync(this.folder) ? readdirSync(this.folder, { withFileTypes: true }) : []) {
      if (entry.isDirectory() && !isKept(entry.name)) removeGroup(join(this.folder, entry.name));
    }
  }

  /** Removes what nothing lives in. */
  close(): void {
    this.removeEmpty();
    removeGroup(this.folder);
  }

  private prepare(version: 1 | 2, limitBytes: number): void {
    mkdirSync(this.folder, { recursive: true });
    if (version === 1) tryWrite(join(this.folder, 'memory.use_hierarchy'), '1');
    MemoryGroup.make(this.folder, limitBytes);
    if (version === 2) enableMemory(this.folder);
  }
}

/**
 * In version 2 a group holds processes or counts memory for groups below it, never both. So the groups go beside our own where the folder
 * above lets us; else below our own, whose processes (Slipway's, or those of our container) move into a group beside them first.
 */
function folderForChildren(place: GroupPlace): string {
  const isRootOfAll = place.parent === undefined && !existsSync(join(place.folder, 'cgroup.type'));
  const first = isRootOfAll ? place.folder : place.parent;
  if (first !== undefined && canHoldChildren(first)) return first;
  makeRoomInOwnGroup(place.folder);
  return place.folder;
}

function canHoldChildren(folder: string): boolean {
  try {
    enableMemory(folder);
    const trial = join(folder, `slipway-trial-${process.pid}`);
    mkdirSync(trial);
    const hasMemory = existsSync(join(trial, 'memory.max'));
    removeGroup(trial);
    return hasMemory;
  } catch {
    return false;
  }
}

function makeRoomInOwnGroup(folder: string): void {
  const others = join(folder, 'slipway-main');
  mkdirSync(others, { recursive: true });
  // Whoever is started meanwhile is moved in the next round.
  for (let round = 0; round < 5; round += 1) {
    const pids = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean);
    if (pids.length === 0) break;
    for (const pid of pids) tryWrite(join(others, 'cgroup.procs'), pid);
  }
  enableMemory(folder);
}

function enableMemory(folder: string): void {
  const file = join(folder, 'cgroup.subtree_control');
  if (!readFileSync(file, 'utf8').split(/\s+/).includes('memory')) writeFileSync(file, '+memory', { flag: 'r+' });
}

function tryWrite(file: string, value: string): void {
  try {
    writeFileSync(file, value, { flag: 'r+' });
  } catch {
    // It is gone, or it is so already.
  }
}
