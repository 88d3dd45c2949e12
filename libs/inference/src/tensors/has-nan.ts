import type { Tensor } from './tensor.js';

/** Whether a float tensor holds NaN; looks at each element once. */
export function hasNaN(tensor: Tensor): boolean {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    // An indexed loop is several times faster than `some` here.
    for (let index = 0; index < data.length; index++) if (Number.isNaN(data[index])) return true;
    return false;
  }
  if (tensor.datatype !== 'FP16' || !(data instanceof Uint16Array)) return false;
  return data.some((half) => (half & 0x7fff) > 0x7c00);
}
