import type { ColumnCounts, Profile } from '@slipway/contracts';
import type { CountedWindow } from './drift-looks.js';
import { hourMs } from './hour-history.js';

/** Windows that an hour is cut into. */
export const recentWindowMs = 5 * 60_000;
/** Looked back so far. */
const keptMs = 2 * hourMs;
/** Versions that are followed; the one seen longest ago gives way. */
const followedMost = 64;

interface Followed {
  readonly layout: string;
  /** Totals of the running hour when last seen, and which hour that is. */
  hourAtMs: number;
  seenMs: number;
  totals: Profile | undefined;
  windows: CountedWindow[];
}

/** Cuts the running totals of an hour into windows of some minutes, by what they have grown by between two looks. In memory: a new process begins anew. */
export class RecentWindows {
  private readonly followed = new Map<string, Followed>();

  /**
   * Takes the totals of the hour that began at `hourAtMs` as they stand at `nowMs`, and gives the windows of the last two hours that are over.
   * @param key of deployment and version
   */
  follow(key: string, { hourAtMs, nowMs, totals }: { hourAtMs: number; nowMs: number; totals: Profile }): readonly CountedWindow[] {
    const known = this.followed.get(key);
    const own = known?.layout === totals.layout ? known : { layout: totals.layout, hourAtMs, seenMs: nowMs, totals: undefined, windows: [] };
    this.followed.delete(key);
    this.followed.set(key, own);
    const oldest = this.followed.keys().next().value;
    if (this.followed.size > followedMost && oldest !== undefined) this.followed.delete(oldest);
    this.cut(own, { hourAtMs, nowMs, totals });
    return own.windows;
  }

  private cut(own: Followed, { hourAtMs, nowMs, totals }: { hourAtMs: number; nowMs: number; totals: Profile }): void {
    const isSameHour = own.totals !== undefined && own.hourAtMs === hourAtMs;
    if (isSameHour && nowMs - own.seenMs < recentWindowMs) return;
    const fromMs = isSameHour ? own.seenMs : hourAtMs;
    const profile = isSameHour && own.totals !== undefined ? grownBy(totals, own.totals) : totals;
    // The first look at a version may come late in its hour: then the window is as long as that.
    if (profile.rows > 0) own.windows.push({ atMs: fromMs, spanMs: nowMs - fromMs, profile });
    own.windows = own.windows.filter(({ atMs }) => atMs >= nowMs - keptMs);
    own.hourAtMs = hourAtMs;
    own.seenMs = nowMs;
    own.totals = totals;
  }
}

/** What running totals have grown by. Where they have become fewer (a source was lost) nothing is said. */
function grownBy(now: Profile, before: Profile): Profile {
  const columns = now.columns.map((column, index) => columnGrownBy(column, before.columns[index] ?? column));
  const isSound = now.rows >= before.rows && columns.every(({ bins }) => bins.every((count) => count >= 0));
  return isSound ? { layout: now.layout, rows: now.rows - before.rows, columns } : { layout: now.layout, rows: 0, columns: [] };
}

function columnGrownBy(now: ColumnCounts, before: ColumnCounts): ColumnCounts {
  const [all, old] = [now.n - now.missing - now.infinite, before.n - before.missing - before.infinite];
  const more = all - old;
  const mean = more > 0 ? (all * now.mean - old * before.mean) / more : 0;
  // Chan, Golub and LeVeque's sum, taken back.
  const m2 = more > 0 ? Math.max(0, now.m2 - before.m2 - ((mean - before.mean) ** 2 * old * more) / all) : 0;
  return {
    n: now.n - before.n,
    missing: now.missing - before.missing,
    infinite: now.infinite - before.infinite,
    zeros: now.zeros - before.zeros,
    ...{ min: now.min, max: now.max, mean, m2 },
    bins: now.bins.map((count, bin) => count - (before.bins[bin] ?? 0)),
  };
}
