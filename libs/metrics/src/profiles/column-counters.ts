import type { ColumnCounts, ColumnLayout } from '@slipway/contracts';
import { BinFinder } from './bin-finder.js';
import { addMoments, type Moments } from './moments.js';
import { UnseenSketch, unseenText } from './unseen-sketch.js';

/** Running counts of a column of numbers. NaN is missing; infinite values are counted apart and in no bin. */
export class NumericCounter {
  private n = 0;
  private missing = 0;
  private infinite = 0;
  private zeros = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private moments: Moments = { n: 0, mean: 0, m2: 0 };
  private readonly finder: BinFinder;
  private readonly bins: Float64Array;

  constructor({ edges }: ColumnLayout) {
    this.finder = new BinFinder(Float64Array.from(edges ?? []));
    this.bins = new Float64Array(edges === undefined ? 0 : edges.length + 1);
  }

  /** Counts every `stride`-th value, `rows` of them from `offset` on; of those that are NaN, `absent` were not there at all. */
  fold(values: Float64Array, offset: number, stride: number, rows: number, absent: number): void {
    const { finder, bins } = this;
    const hasBins = bins.length > 0;
    const shift = this.moments.n > 0 ? this.moments.mean : firstFinite(values, offset, stride, rows);
    let { zeros, min, max, infinite } = this;
    let finite = 0;
    let sum = 0;
    let squares = 0;
    for (let row = 0, at = offset; row < rows; row++, at += stride) {
      const value = values[at] ?? Number.NaN;
      if (!Number.isFinite(value)) {
        if (!Number.isNaN(value)) infinite++;
        continue;
      }
      finite++;
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
      // Near the mean of what was before, so that little is lost when the square of the sum is taken away.
      const distance = value - shift;
      sum += distance;
      squares += distance * distance;
      if (hasBins) {
        const bin = finder.find(value);
        bins[bin] = (bins[bin] ?? 0) + 1;
      }
    }
    this.n += rows - absent;
    this.missing += rows - absent - finite - (infinite - this.infinite);
    this.zeros = zeros;
    this.min = min;
    this.max = max;
    this.infinite = infinite;
    if (finite > 0) this.moments = addMoments(this.moments, blockMoments(values, { offset, stride, rows }, { finite, shift, sum, squares }));
  }

  toCounts(): ColumnCounts {
    const { n, missing, infinite, zeros, moments, bins } = this;
    const hasValues = moments.n > 0;
    return {
      ...{ n, missing, infinite, zeros },
      min: hasValues ? this.min : null,
      max: hasValues ? this.max : null,
      mean: moments.mean,
      m2: moments.m2,
      bins: Array.from(bins),
    };
  }
}

function firstFinite(values: Float64Array, offset: number, stride: number, rows: number): number {
  for (let row = 0; row < rows; row++) {
    const value = values[offset + row * stride] ?? Number.NaN;
    if (Number.isFinite(value)) return value;
  }
  return 0;
}

interface Stretch {
  readonly offset: number;
  readonly stride: number;
  readonly rows: number;
}

/** Moments of one block from its sums; where these are beyond a double, value by value (Welford), which stays below it longer. */
function blockMoments(values: Float64Array, stretch: Stretch, block: { finite: number; shift: number; sum: number; squares: number }): Moments {
  const { finite, shift, sum, squares } = block;
  const m2 = squares - (sum * sum) / finite;
  if (Number.isFinite(m2) && Number.isFinite(sum)) return { n: finite, mean: shift + sum / finite, m2: Math.max(0, m2) };
  let moments: Moments = { n: 0, mean: 0, m2: 0 };
  for (let row = 0; row < stretch.rows; row++) {
    const value = values[stretch.offset + row * stretch.stride] ?? Number.NaN;
    if (Number.isFinite(value)) moments = addMoments(moments, { n: 1, mean: value, m2: 0 });
  }
  return moments;
}

/** Values of a column that map to a bin are remembered, so many at most. */
const rememberedMax = 10_000;

/** Running counts of a column of categories: one bin for each that the layout names, one for all others. An empty text or NaN is missing. */
export class CategoryCounter {
  private n = 0;
  private missing = 0;
  private readonly bins: Float64Array;
  private readonly binByText: ReadonlyMap<string, number>;
  private readonly binByNumber = new Map<number, number>();
  private sketch: UnseenSketch | undefined;

  /** @param textOf the category that a number stands for */
  constructor(
    { categories = [] }: ColumnLayout,
    private readonly textOf: (value: number) => string = String,
  ) {
    this.bins = new Float64Array(categories.length + 1);
    this.binByText = new Map(categories.map((category, index) => [category, index]));
  }

  foldTexts(values: readonly string[], offset: number, stride: number, rows: number, absent: number): void {
    const { bins, binByText } = this;
    const unseen = bins.length - 1;
    for (let row = 0, at = offset; row < rows; row++, at += stride) {
      const value = values[at] ?? '';
      if (value === '') {
        this.missing++;
        continue;
      }
      const bin = binByText.get(value) ?? unseen;
      bins[bin] = (bins[bin] ?? 0) + 1;
      if (bin === unseen) this.noteUnseen(value);
    }
    this.n += rows - absent;
    this.missing -= absent;
  }

  foldNumbers(values: Float64Array, offset: number, stride: number, rows: number, absent: number): void {
    const { bins } = this;
    for (let row = 0, at = offset; row < rows; row++, at += stride) {
      const value = values[at] ?? Number.NaN;
      if (Number.isNaN(value)) {
        this.missing++;
        continue;
      }
      const bin = this.binByNumber.get(value) ?? this.learnBin(value);
      bins[bin] = (bins[bin] ?? 0) + 1;
      if (bin === bins.length - 1) this.noteUnseen(this.textOf(value));
    }
    this.n += rows - absent;
    this.missing -= absent;
  }

  toCounts(): ColumnCounts {
    const { n, missing, bins, sketch } = this;
    const unseen = sketch === undefined ? {} : { unseen: unseenText(sketch.registers) };
    return { n, missing, infinite: 0, zeros: 0, min: null, max: null, mean: 0, m2: 0, bins: Array.from(bins), ...unseen };
  }

  private learnBin(value: number): number {
    const bin = this.binByText.get(this.textOf(value)) ?? this.bins.length - 1;
    if (this.binByNumber.size < rememberedMax) this.binByNumber.set(value, bin);
    return bin;
  }

  private noteUnseen(value: string): void {
    this.sketch ??= new UnseenSketch();
    this.sketch.add(value);
  }
}
