import { halfValues, isTexts, type ProfiledTensor } from './profiled-tensor.js';

/** Values of a channel that are looked at; of larger ones every k-th, evenly spread. */
const looksPerChannel = 4_096;
/** Numbers per channel, in the order of `profileSummaries` without `count`. */
export const numbersPerChannel = 6;

/** How the values of a tensor's row are told apart into channels. */
export interface Channels {
  readonly count: number;
  /** Whether they lie side by side (the last axis) or one behind the other. */
  readonly isLast: boolean;
}

/** Writes mean, sd, min, max and the shares of zeros and NaN of each channel of one row; NaN where no value is finite. */
export function summariseRow(
  tensor: ProfiledTensor,
  from: number,
  perRow: number,
  { count, isLast }: Channels,
  target: Float64Array,
  at: number,
): void {
  const perChannel = Math.floor(perRow / count);
  const leap = Math.max(1, Math.ceil(perChannel / looksPerChannel));
  const stride = leap * (isLast ? count : 1);
  const looks = Math.ceil(perChannel / leap);
  for (let channel = 0; channel < count; channel++) {
    const start = from + (isLast ? channel : channel * perChannel);
    summarise(tensor, { start, stride, looks }, target, at + channel * numbersPerChannel);
  }
}

function summarise(
  { data, datatype }: ProfiledTensor,
  span: { start: number; stride: number; looks: number },
  target: Float64Array,
  at: number,
): void {
  if (isTexts(data)) return;
  const halves = datatype === 'FP16' ? halfValues() : undefined;
  const { stride, looks } = span;
  let [finite, sum, squares, zeros, missing] = [0, 0, 0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  // The first value as the origin: less is lost when the square of the sum is taken away.
  let origin = Number.NaN;
  for (let look = 0, index = span.start; look < looks; look++, index += stride) {
    const raw = Number(data[index]);
    const value = halves === undefined ? raw : (halves[raw] ?? Number.NaN);
    if (!Number.isFinite(value)) {
      if (Number.isNaN(value)) missing++;
      continue;
    }
    if (finite === 0) origin = value;
    finite++;
    if (value === 0) zeros++;
    if (value < min) min = value;
    if (value > max) max = value;
    const distance = value - origin;
    sum += distance;
    squares += distance * distance;
  }
  const has = finite > 0;
  target[at] = has ? origin + sum / finite : Number.NaN;
  target[at + 1] = has ? Math.sqrt(Math.max(0, squares / finite - (sum / finite) ** 2)) : Number.NaN;
  target[at + 2] = has ? min : Number.NaN;
  target[at + 3] = has ? max : Number.NaN;
  target[at + 4] = looks > 0 ? zeros / looks : Number.NaN;
  target[at + 5] = looks > 0 ? missing / looks : Number.NaN;
}

/** Writes the share of empty texts and how many there are. */
export function summariseTexts(tensor: ProfiledTensor, from: number, perRow: number, target: Float64Array, at: number): void {
  let empty = 0;
  const { data } = tensor;
  for (let index = from; index < from + perRow; index++) if (data[index] === '') empty++;
  target[at] = perRow > 0 ? empty / perRow : Number.NaN;
  target[at + 1] = perRow;
}
