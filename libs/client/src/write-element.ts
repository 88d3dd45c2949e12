import { datatypeFacts, integerRange, type NumericDatatype, type WireArray } from './datatypes.js';
import { toFloat16 } from './float16.js';
import type { TensorElement } from './tensor-input.js';

/** Puts a value at its place; answers what would have been right when it is none of the datatype. */
export type WriteElement = (at: number, value: TensorElement) => string | undefined;

/** The midpoint between the largest binary32 and 2^128: from here on rounding gives infinity. */
const float32Overflow = 2 ** 128 - 2 ** 103;

/** Writes values into an array of a datatype. Nothing is rounded to another integer, cut or wrapped: such a value is refused. */
export function elementWriter(datatype: NumericDatatype, into: WireArray): WriteElement {
  if (into instanceof BigInt64Array || into instanceof BigUint64Array) return bigWriter(datatype, into);
  if (datatype === 'BOOL') return boolWriter(into);
  if (datatypeFacts[datatype].kind === 'float') return floatWriter(datatype, into);
  return integerWriter(datatype, into);
}

type NumberArray = Exclude<WireArray, BigInt64Array | BigUint64Array>;

function boolWriter(into: NumberArray): WriteElement {
  return (at, value) => {
    if (value !== true && value !== false && value !== 0 && value !== 1) return 'true or false (or 1 or 0)';
    into[at] = Number(value);
    return undefined;
  };
}

function integerWriter(datatype: NumericDatatype, into: NumberArray): WriteElement {
  const [low, high] = integerRange(datatype).map(Number);
  const expected = `an integer from ${low} to ${high}`;
  return (at, value) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return expected;
    const number = Number(value);
    if (!Number.isInteger(number) || number < Number(low) || number > Number(high)) return expected;
    into[at] = number;
    return undefined;
  };
}

function bigWriter(datatype: NumericDatatype, into: BigInt64Array | BigUint64Array): WriteElement {
  const [low, high] = integerRange(datatype);
  const expected = `a bigint (or a safe integer) from ${low} to ${high}`;
  return (at, value) => {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return expected;
    // The check above leaves nothing else.
    const big = BigInt(value as bigint | number);
    if (big < low || big > high) return expected;
    into[at] = big;
    return undefined;
  };
}

function floatWriter(datatype: NumericDatatype, into: NumberArray): WriteElement {
  return (at, given) => {
    if (typeof given !== 'number' && typeof given !== 'bigint') return 'a number';
    const value = Number(given);
    if (datatype === 'FP16') {
      const half = toFloat16(value);
      if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value)) return 'a number that FP16 can hold (below 65520)';
      into[at] = half;
      return undefined;
    }
    if (datatype === 'FP32' && Number.isFinite(value) && Math.abs(value) >= float32Overflow) return 'a number that FP32 can hold (below 2^128)';
    into[at] = value;
    return undefined;
  };
}
