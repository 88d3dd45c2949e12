import type { ColumnCounts, Profile } from '@slipway/contracts';
import { emptyCounts, finiteOf } from '../profiles/merge-profiles.js';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** Days of hours that are looked back to; later they are days. */
export const historyDays = 28;

/** What was counted in one hour, in one layout. */
export interface CountedHour {
  /** Start of the hour, epoch ms. */
  readonly atMs: number;
  readonly profile: Profile;
}

/** Counted hours by their time; hours without rows are absent. */
export class HourHistory {
  private readonly byTime = new Map<number, Profile>();

  constructor(hours: Iterable<CountedHour> = []) {
    for (const hour of hours) this.add(hour);
  }

  /** Adds an hour, or puts fuller counts in its place; forgets those too old to be looked at. */
  add({ atMs, profile }: CountedHour): void {
    this.byTime.set(atMs, profile);
    const oldest = atMs - (historyDays + 8) * dayMs;
    for (const known of this.byTime.keys()) {
      if (known >= oldest) break;
      this.byTime.delete(known);
    }
  }

  at(atMs: number): Profile | undefined {
    return this.byTime.get(atMs);
  }

  get earliestMs(): number {
    for (const first of this.byTime.keys()) return first;
    return Number.POSITIVE_INFINITY;
  }

  /** Hours with rows from `fromMs` until before `toMs`. */
  between(fromMs: number, toMs: number): CountedHour[] {
    const hours: CountedHour[] = [];
    for (let atMs = Math.ceil(fromMs / hourMs) * hourMs; atMs < toMs; atMs += hourMs) {
      const profile = this.byTime.get(atMs);
      if (profile !== undefined) hours.push({ atMs, profile });
    }
    return hours;
  }
}

/** All counts over hours of one layout; undefined for none. */
export function sumProfile(hours: readonly CountedHour[]): Profile | undefined {
  const first = hours[0]?.profile;
  if (first === undefined) return undefined;
  const rows = hours.reduce((sum, { profile }) => sum + profile.rows, 0);
  return { layout: first.layout, rows, columns: first.columns.map(({ bins }, column) => sumColumn(hours, column, bins.length)) };
}

/** The counts of one column over hours. */
export function sumColumn(hours: readonly CountedHour[], column: number, bins: number): ColumnCounts {
  const sum = emptyCounts(bins);
  for (const { profile } of hours) {
    const counts = profile.columns[column];
    if (counts !== undefined) addColumn(sum, counts);
  }
  return sum;
}

/** As `mergeProfiles` adds, but for the sketches, which nothing here asks; written out, since a walk does it some thousand times an hour. */
function addColumn(sum: ColumnCounts, counts: ColumnCounts): void {
  const more = finiteOf(counts);
  if (more > 0) {
    const before = finiteOf(sum);
    const delta = counts.mean - sum.mean;
    sum.mean = before === 0 ? counts.mean : sum.mean + (delta * more) / (before + more);
    sum.m2 += before === 0 ? counts.m2 : counts.m2 + delta * delta * ((before / (before + more)) * more);
  }
  sum.n += counts.n;
  sum.missing += counts.missing;
  sum.infinite += counts.infinite;
  sum.zeros += counts.zeros;
  if (counts.min !== null && (sum.min === null || counts.min < sum.min)) sum.min = counts.min;
  if (counts.max !== null && (sum.max === null || counts.max > sum.max)) sum.max = counts.max;
  const { bins } = sum;
  const added = counts.bins;
  for (let bin = 0; bin < bins.length; bin += 1) bins[bin] = (bins[bin] ?? 0) + (added[bin] ?? 0);
}
