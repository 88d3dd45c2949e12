import type { Tensor } from './tensor.js';

/** Whether a float tensor holds NaN; looks at each element once. */
export function hasNaN(tensor: Tensor): boolean {
  const { data } = tensor;
  // The engine's own search: faster than any loop that the compiler's checks of the index leave.
  if (data instanceof Float32Array || data instanceof Float64Array) return data.includes(Number.NaN);
  if (tensor.datatype !== 'FP16' || !(data instanceof Uint16Array)) return false;
  return data.some((half) => (half & 0x7fff) > 0x7c00);
}
