import type { OutputRange } from '@slipway/contracts';
import { fromFloat16, type Tensor } from '@slipway/inference';

/** Whether a number of an answer is outside of the ranges that its revision states. NaN is inside of none, and counted as NaN. */
export function isOutOfRange(ranges: readonly OutputRange[], outputs: readonly Tensor[]): boolean {
  return ranges.some((range) => outputs.some((output) => output.name === range.output && leavesRange(output, range)));
}

function leavesRange({ datatype, data }: Tensor, { min, max }: OutputRange): boolean {
  const isHalf = datatype === 'FP16';
  for (const value of data) {
    if (typeof value === 'string') return false;
    const number = isHalf ? fromFloat16(Number(value)) : Number(value);
    if ((min !== undefined && number < min) || (max !== undefined && number > max)) return true;
  }
  return false;
}
