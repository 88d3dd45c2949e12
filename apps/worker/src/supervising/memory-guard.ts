import { messageOf } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import { MemoryGroup } from './memory-group.js';
import type { MemoryGroups } from './memory-groups.js';
import { hastyLookMs, type MemorySight, nextLookMs } from './next-look.js';
import { memoryPollMinMs, residentBytes } from './process-table.js';

/** Who holds an instance to its memory limit: the system, which lets nothing past it, or the worker, which looks often. */
export type LimitedBy = 'system' | 'worker';

export interface MemoryGuard {
  readonly by: LimitedBy;
  /** The group's folder, to be found again by the next worker. */
  readonly group: string | undefined;
  /** Why the process was ended, if that was for its memory; asked after its end. */
  reasonOfDeath(): string | undefined;
  /** Ends the guard; after the process. */
  close(): void;
}

export interface GuardedProcess {
  readonly instanceId: string;
  readonly pid: number;
  readonly limitBytes: number;
  /** What it is expected to take; undefined when nobody knows any more. */
  readonly expectedBytes: number | undefined;
  /** Told when the process must be ended, and why. */
  readonly onOver: (reason: string) => void;
  readonly log: Logger;
}

/** Puts a process that has just been started under its memory limit. */
export function guardMemory(groups: MemoryGroups | undefined, guarded: GuardedProcess): MemoryGuard {
  if (groups === undefined) return new WatchedMemory(guarded);
  try {
    const group = groups.make(guarded.instanceId, guarded.limitBytes);
    group.add(guarded.pid);
    return new GroupedMemory(group, guarded);
  } catch (error) {
    guarded.log.warn({ instance: guarded.instanceId, reason: messageOf(error) }, 'memory is watched, not limited by the system');
    return new WatchedMemory(guarded);
  }
}

/** Goes on guarding a process that an earlier worker started. */
export function guardAdopted(group: string | undefined, guarded: GuardedProcess): MemoryGuard {
  const found = group === undefined ? undefined : MemoryGroup.open(group);
  return found === undefined ? new WatchedMemory(guarded) : new GroupedMemory(found, guarded);
}

function overLimit(usedBytes: number, { limitBytes, expectedBytes }: GuardedProcess): string {
  const reason = `it used ${mebibytes(usedBytes)} MiB of memory; its limit is ${mebibytes(limitBytes)} MiB`;
  // Not a bomb then, but a limit that is too low for the model itself.
  return expectedBytes === undefined || expectedBytes <= limitBytes
    ? reason
    : `${reason}, and it is expected to need ${mebibytes(expectedBytes)} MiB`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

/** So much of the limit counts as all of it: a process is ended for the page that it could not get any more. */
const reachedRatio = 0.98;

class GroupedMemory implements MemoryGuard {
  readonly by = 'system';

  constructor(
    private readonly memory: MemoryGroup,
    private readonly guarded: GuardedProcess,
  ) {}

  get group(): string {
    return this.memory.folder;
  }

  reasonOfDeath(): string | undefined {
    const { limitBytes } = this.guarded;
    const { killed, peakBytes = limitBytes } = this.memory.events();
    if (killed === 0) return undefined;
    if (peakBytes >= reachedRatio * limitBytes) return overLimit(peakBytes, this.guarded);
    return `the host had no memory left; it used ${mebibytes(peakBytes)} MiB, its limit is ${mebibytes(limitBytes)} MiB`;
  }

  close(): void {
    this.memory.remove();
  }
}

class WatchedMemory implements MemoryGuard {
  readonly by = 'worker';
  readonly group = undefined;
  private timer: NodeJS.Timeout | undefined;
  private before: MemorySight;

  constructor(private readonly guarded: GuardedProcess) {
    this.before = { atMs: performance.now(), usedBytes: residentBytes(guarded.pid) ?? 0 };
    this.lookAfter(hastyLookMs);
  }

  reasonOfDeath(): undefined {
    return undefined;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private look(): void {
    const { pid, limitBytes, onOver } = this.guarded;
    const usedBytes = residentBytes(pid);
    // It is gone; its end is noticed elsewhere.
    if (usedBytes === undefined) return;
    if (usedBytes > limitBytes) onOver(overLimit(usedBytes, this.guarded));
    const now = { atMs: performance.now(), usedBytes };
    this.lookAfter(nextLookMs(this.before, now, limitBytes));
    this.before = now;
  }

  private lookAfter(ms: number): void {
    this.timer = setTimeout(() => this.look(), Math.max(ms, memoryPollMinMs));
  }
}
