import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseCpuStat, type Throttling } from '@slipway/metrics';
import { findGroupPlace } from '../supervising/group-place.js';

/** Groups above one another that are looked at for a quota. */
const levelsMax = 16;

/** Time that quotas on processors cost processes: of the nearest group, their own or above it, that has one (cgroups(7)). */
export class CpuQuotas {
  private before = new Map<string, Throttling>();

  /** @param readText reads a file, or gives an empty text. */
  constructor(private readonly readText: (path: string) => Promise<string> = (path) => readFile(path, 'utf8').catch(() => '')) {}

  /**
   * What each process lost since the last call. A quota that several of them are under is shared evenly, so that their sum is what it cost.
   * @param pids processes, or `self`.
   * @returns null for those without a quota, and where groups cannot be seen.
   */
  async lost(pids: readonly (number | 'self')[]): Promise<(Throttling | null)[]> {
    const mounts = await this.readText('/proc/self/mountinfo');
    const groups = await Promise.all(pids.map((pid) => this.groupOf(pid, mounts)));
    const stats = new Map<string, Throttling>();
    for (const group of groups) if (group !== undefined) stats.set(group.folder, group.throttling);
    const members = new Map<string, number>();
    for (const group of groups) if (group !== undefined) members.set(group.folder, (members.get(group.folder) ?? 0) + 1);
    const { before } = this;
    this.before = stats;
    return groups.map((group) => {
      if (group === undefined) return null;
      const share = members.get(group.folder) ?? 1;
      const from = before.get(group.folder) ?? group.throttling;
      return {
        seconds: Math.max(0, group.throttling.seconds - from.seconds) / share,
        periods: Math.max(0, group.throttling.periods - from.periods) / share,
      };
    });
  }

  private async groupOf(pid: number | 'self', mounts: string): Promise<{ folder: string; throttling: Throttling } | undefined> {
    const place = findGroupPlace(await this.readText(`/proc/${pid}/cgroup`), mounts, 'cpu');
    let folder = place?.folder;
    for (let level = 0; folder !== undefined && level < levelsMax; level += 1) {
      const text = await this.readText(join(folder, 'cpu.stat'));
      // Above the mount point there are no groups.
      if (text === '') return undefined;
      const throttling = parseCpuStat(text);
      if (throttling !== undefined) return { folder, throttling };
      folder = dirname(folder);
    }
    return undefined;
  }
}
