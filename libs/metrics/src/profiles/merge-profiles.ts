import type { ColumnCounts, Profile } from '@slipway/contracts';
import { addMoments, finiteOf } from './moments.js';
import { type EncodedColumn, ProfileReader } from './profile-codec.js';
import { UnseenSketch, unseenRegisters, unseenText } from './unseen-sketch.js';

export { finiteOf };

/**
 * Adds profiles of one layout up. Counts, extremes and sketches come out the same in whatever order; means and squares as far as doubles can add
 * (Chan, Golub and LeVeque 1979).
 */
export class ProfileSum {
  private rows = 0;
  private columns: (MutableCounts | undefined)[] | undefined;

  constructor(readonly layout: string) {}

  /** @throws RangeError for counts that do not fit: of another layout, or of another number of columns or bins. */
  add(profile: Profile): void {
    const columns = this.begin(profile.layout, profile.columns.length);
    this.rows += profile.rows;
    for (const [index, { bins, unseen, ...counts }] of profile.columns.entries()) {
      const column = columnOf(columns, index, bins.length);
      for (let bin = 0; bin < bins.length; bin++) column.bins[bin] = (column.bins[bin] ?? 0) + (bins[bin] ?? 0);
      addCounts(column, { ...counts, registers: unseen === undefined ? undefined : unseenRegisters(unseen) });
    }
  }

  /** Adds a profile as its bytes say it, without making one of them first. @throws RangeError as `add`; the sum is then spoilt */
  addEncoded(bytes: Uint8Array): void {
    const reader = new ProfileReader(bytes);
    const columns = this.begin(reader.layout, reader.columns);
    this.rows += reader.rows;
    for (let index = 0; index < reader.columns; index++) {
      const counts = reader.next((length) => columnOf(columns, index, length).bins);
      const column = columns[index];
      if (column !== undefined) addCounts(column, counts);
    }
  }

  toProfile(): Profile {
    const columns = (this.columns ?? []).map((column): ColumnCounts => {
      const { sketch, bins, ...counts } = column ?? noCounts(0);
      return { ...counts, bins: Array.from(bins), ...(sketch === undefined ? {} : { unseen: unseenText(sketch.registers) }) };
    });
    return { layout: this.layout, rows: this.rows, columns };
  }

  private begin(layout: string, count: number): (MutableCounts | undefined)[] {
    if (layout !== this.layout) throw new RangeError(`expected counts in layout ${this.layout}, given ${layout}`);
    this.columns ??= new Array<MutableCounts | undefined>(count).fill(undefined);
    if (count !== this.columns.length) throw new RangeError(`expected ${this.columns.length} columns, given ${count}`);
    return this.columns;
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

function columnOf(columns: (MutableCounts | undefined)[], index: number, bins: number): MutableCounts {
  let column = columns[index];
  if (column === undefined) {
    column = noCounts(bins);
    columns[index] = column;
  }
  if (column.bins.length !== bins) throw new RangeError(`expected ${column.bins.length} bins, given ${bins}`);
  return column;
}

/** Everything but the bins. */
function addCounts(to: MutableCounts, from: EncodedColumn): void {
  const { mean, m2 } = addMoments({ n: finiteOf(to), mean: to.mean, m2: to.m2 }, { n: finiteOf(from), mean: from.mean, m2: from.m2 });
  to.mean = mean;
  to.m2 = m2;
  to.n += from.n;
  to.missing += from.missing;
  to.infinite += from.infinite;
  to.zeros += from.zeros;
  to.min = extreme(Math.min, to.min, from.min);
  to.max = extreme(Math.max, to.max, from.max);
  if (from.registers === undefined) return;
  to.sketch ??= new UnseenSketch();
  to.sketch.merge(from.registers);
}

function extreme(choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : choose(a, b);
}
