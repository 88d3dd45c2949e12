import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the system noted about a group's memory. */
export interface MemoryEvents {
  /** Processes of the group that the system has ended because memory was short, in it or above it. */
  readonly killed: number;
  /** The most that was used at a time, in bytes; undefined where the system does not say. */
  readonly peakBytes: number | undefined;
}

/** A control group that bounds the memory of what is in it: what would need more is ended by the system (cgroups(7)). */
export class MemoryGroup {
  private readonly killedBefore: number;

  private constructor(
    readonly folder: string,
    private readonly files: GroupFiles,
  ) {
    this.killedBefore = this.killed();
  }

  /** Makes the group, empty and with this limit. Throws where that is not allowed. */
  static make(folder: string, limitBytes: number): MemoryGroup {
    mkdirSync(folder, { recursive: true });
    const files = filesOf(folder);
    write(folder, files.limit, limitBytes);
    // Swapped out is not gone: the limit holds for both. Not every system counts swap.
    tryWrite(folder, files.swap, files.version === 2 ? 0 : limitBytes);
    if (files.together !== undefined) tryWrite(folder, files.together, 1);
    return new MemoryGroup(folder, files);
  }

  /** A group made earlier; undefined when it is gone. */
  static open(folder: string): MemoryGroup | undefined {
    return existsSync(join(folder, 'cgroup.procs')) ? new MemoryGroup(folder, filesOf(folder)) : undefined;
  }

  /** Puts a process into the group. Throws when the process is gone or that is not allowed. */
  add(pid: number): void {
    write(this.folder, 'cgroup.procs', pid);
  }

  /** What happened in it since it was made or opened. */
  events(): MemoryEvents {
    const peak = Number.parseInt(read(this.folder, this.files.peak), 10);
    return { killed: this.killed() - this.killedBefore, peakBytes: Number.isFinite(peak) ? peak : undefined };
  }

  /** Removes it; false while something is in it. */
  remove(): boolean {
    return removeGroup(this.folder);
  }

  private killed(): number {
    return Number(/^oom_kill (\d+)$/m.exec(read(this.folder, this.files.events))?.[1] ?? 0);
  }
}

/** Removes a group that nothing is in; false when something is, or when it cannot be removed. */
export function removeGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}

interface GroupFiles {
  readonly version: 1 | 2;
  readonly limit: string;
  readonly swap: string;
  readonly together: string | undefined;
  readonly events: string;
  readonly peak: string;
}

const filesOfVersion1: GroupFiles = {
  version: 1,
  limit: 'memory.limit_in_bytes',
  swap: 'memory.memsw.limit_in_bytes',
  together: undefined,
  events: 'memory.oom_control',
  peak: 'memory.max_usage_in_bytes',
};
const filesOfVersion2: GroupFiles = {
  version: 2,
  limit: 'memory.max',
  swap: 'memory.swap.max',
  together: 'memory.oom.group',
  events: 'memory.events',
  peak: 'memory.peak',
};

function filesOf(folder: string): GroupFiles {
  return existsSync(join(folder, filesOfVersion1.limit)) ? filesOfVersion1 : filesOfVersion2;
}

function write(folder: string, name: string, value: number): void {
  // Without creating: a folder that is no group must not get files that look like one.
  writeFileSync(join(folder, name), String(value), { flag: 'r+' });
}

function tryWrite(folder: string, name: string, value: number): void {
  try {
    write(folder, name, value);
  } catch {
    // A refinement that this system lacks.
  }
}

function read(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return '';
  }
}
