/** What a control group's processor quota has done since the group was made. */
export interface Throttling {
  /** Periods in which the group used up its quota. */
  readonly periods: number;
  /** Time that its threads stood still for it, summed over processors. */
  readonly seconds: number;
}

/**
 * The cpu.stat of a control group, of either version.
 * @returns undefined where no quota was ever counted: the group has none.
 */
export function parseCpuStat(text: string): Throttling | undefined {
  const value = (name: string) => {
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  if ((value('nr_periods') ?? 0) === 0) return undefined;
  const micros = value('throttled_usec');
  const nanos = value('throttled_time');
  return { periods: value('nr_throttled') ?? 0, seconds: micros !== undefined ? micros / 1e6 : (nanos ?? 0) / 1e9 };
}

/** Bytes of files that nobody uses now, from the memory.stat of either version; version 1 has its sum with the groups below under a name of its own. */
export function parseInactiveFile(text: string): number | undefined {
  const found = /^total_inactive_file (\d+)$/m.exec(text)?.[1] ?? /^inactive_file (\d+)$/m.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
