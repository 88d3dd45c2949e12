import type { ColumnCounts, Profile } from '@slipway/contracts';
import { UnseenSketch, unseenRegisters, unseenText } from './unseen-sketch.js';

/**
 * Adds profiles of one layout up. Counts, extremes and sketches come out the same in whatever order; means and squares as far as doubles can add
 * (Chan, Golub and LeVeque 1979).
 */
export class ProfileSum {
  private rows = 0;
  private columns: MutableCounts[] | undefined;

  constructor(readonly layout: string) {}

  /** @throws RangeError for counts that do not fit: of another layout, or of another number of columns or bins. */
  add(profile: Profile): void {
    if (profile.layout !== this.layout) throw new RangeError(`expected counts in layout ${this.layout}, given ${profile.layout}`);
    this.columns ??= profile.columns.map(({ bins }) => noCounts(bins.length));
    if (profile.columns.length !== this.columns.length)
      throw new RangeError(`expected ${this.columns.length} columns, given ${profile.columns.length}`);
    this.rows += profile.rows;
    for (const [index, column] of this.columns.entries()) {
      const other = profile.columns[index];
      if (other !== undefined) addCounts(column, other);
    }
  }

  toProfile(): Profile {
    const columns = (this.columns ?? []).map(({ sketch, bins, ...counts }): ColumnCounts => {
      return { ...counts, bins: Array.from(bins), ...(sketch === undefined ? {} : { unseen: unseenText(sketch.registers) }) };
    });
    return { layout: this.layout, rows: this.rows, columns };
  }
}

/** The sum of profiles in one layout. @throws RangeError see `ProfileSum.add`; also without any profile */
export function mergeProfiles(profiles: Iterable<Profile>): Profile {
  let sum: ProfileSum | undefined;
  for (const profile of profiles) {
    sum ??= new ProfileSum(profile.layout);
    sum.add(profile);
  }
  if (sum === undefined) throw new RangeError('expected at least one profile');
  return sum.toProfile();
}

/** Counts of nothing, with so many bins. */
export function emptyCounts(bins: number): ColumnCounts {
  return { n: 0, missing: 0, infinite: 0, zeros: 0, min: null, max: null, mean: 0, m2: 0, bins: new Array<number>(bins).fill(0) };
}

/** Moments of finite values. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly m2: number;
}

/** Moments of both together. Values so large that their squares are beyond a double leave the largest one. */
export function addMoments(a: Moments, b: Moments): Moments {
  if (b.n === 0) return a;
  if (a.n === 0) return b;
  const n = a.n + b.n;
  // Halves first: the distance of two doubles may be more than a double holds.
  const delta = b.mean - a.mean;
  const mean = Number.isFinite(delta) ? a.mean + delta * (b.n / n) : a.mean * (a.n / n) + b.mean * (b.n / n);
  return { n, mean, m2: Math.min(a.m2 + b.m2 + delta * delta * ((a.n / n) * b.n), Number.MAX_VALUE) };
}

/** How many of a column's values are finite: what its moments are of. */
export function finiteOf({ n, missing, infinite }: Pick<ColumnCounts, 'n' | 'missing' | 'infinite'>): number {
  return n - missing - infinite;
}

interface MutableCounts {
  n: number;
  missing: number;
  infinite: number;
  zeros: number;
  min: number | null;
  max: number | null;
  mean: number;
  m2: number;
  readonly bins: Float64Array;
  sketch: UnseenSketch | undefined;
}

function noCounts(bins: number): MutableCounts {
  return { n: 0, missing: 0, infinite: 0, zeros: 0, min: null, max: null, mean: 0, m2: 0, bins: new Float64Array(bins), sketch: undefined };
}

function addCounts(to: MutableCounts, from: ColumnCounts): void {
  if (from.bins.length !== to.bins.length) throw new RangeError(`expected ${to.bins.length} bins, given ${from.bins.length}`);
  const { mean, m2 } = addMoments({ n: finiteOf(to), mean: to.mean, m2: to.m2 }, { n: finiteOf(from), mean: from.mean, m2: from.m2 });
  to.mean = mean;
  to.m2 = m2;
  to.n += from.n;
  to.missing += from.missing;
  to.infinite += from.infinite;
  to.zeros += from.zeros;
  to.min = extreme(Math.min, to.min, from.min);
  to.max = extreme(Math.max, to.max, from.max);
  const { bins } = to;
  for (let index = 0; index < bins.length; index++) bins[index] = (bins[index] ?? 0) + (from.bins[index] ?? 0);
  if (from.unseen === undefined) return;
  to.sketch ??= new UnseenSketch();
  to.sketch.merge(unseenRegisters(from.unseen));
}

function extreme(choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : choose(a, b);
}
