import type { Datatype } from '@slipway/contracts';

/** Elements of a tensor as the runtime keeps them: FP16 as its 16 bits, BOOL as bytes of 0 and 1, BYTES as texts. */
export type ProfiledData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

/** A tensor to be profiled; the inference library's tensors are such. */
export interface ProfiledTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: ProfiledData;
}

export function isTexts(data: ProfiledData): data is readonly string[] {
  return Array.isArray(data);
}

let halves: Float32Array | undefined;

/** The value of a binary16 by its 16 bits, looked up: 256 KiB, made when first needed. */
export function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, half) => halfValue(half));
  return halves;
}

function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Copies `count` values from `from` on into `target` as doubles. 64-bit integers lose what a double cannot hold. */
export function copyNumbers(data: ProfiledData, isHalf: boolean, from: number, count: number, target: Float64Array, at: number): void {
  if (isTexts(data)) return;
  if (isHalf) {
    const table = halfValues();
    for (let index = 0; index < count; index++) target[at + index] = table[Number(data[from + index])] ?? Number.NaN;
    return;
  }
  // A few values are sooner copied here than handed to the engine's own copying.
  if (data instanceof BigInt64Array || data instanceof BigUint64Array || count < 64) {
    for (let index = 0; index < count; index++) target[at + index] = Number(data[from + index]);
    return;
  }
  target.set(data.subarray(from, from + count), at);
}
