import type { Tensor } from './tensor.js';

/** Whether a float tensor holds NaN; looks at each element once. */
export function hasNaN(tensor: Tensor): boolean {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    // Without a branch per element: the sum of x - x is 0 unless one is NaN or infinite, and only then it matters which.
    let sum = 0;
    for (let index = 0; index < data.length; index++) {
      const value = data[index] ?? 0;
      sum += value - value;
    }
    return sum !== 0 && data.some(Number.isNaN);
  }
  if (tensor.datatype !== 'FP16' || !(data instanceof Uint16Array)) return false;
  return data.some((half) => (half & 0x7fff) > 0x7c00);
}
