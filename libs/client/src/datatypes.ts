import { type Datatype, datatypes } from './generated/contract.js';

/** Arrays that hold the elements of a tensor as the protocol's bytes have them, row-major. FP16 is its 16 bits, BOOL bytes of 0 and 1. */
export type WireArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export type NumericDatatype = Exclude<Datatype, 'BYTES'>;

interface DatatypeFacts {
  /** Bytes per element. */
  readonly bytes: 1 | 2 | 4 | 8;
  readonly kind: 'bool' | 'integer' | 'big' | 'float';
}

export const datatypeFacts: Readonly<Record<NumericDatatype, DatatypeFacts>> = {
  BOOL: { bytes: 1, kind: 'bool' },
  UINT8: { bytes: 1, kind: 'integer' },
  UINT16: { bytes: 2, kind: 'integer' },
  UINT32: { bytes: 4, kind: 'integer' },
  UINT64: { bytes: 8, kind: 'big' },
  INT8: { bytes: 1, kind: 'integer' },
  INT16: { bytes: 2, kind: 'integer' },
  INT32: { bytes: 4, kind: 'integer' },
  INT64: { bytes: 8, kind: 'big' },
  FP16: { bytes: 2, kind: 'float' },
  FP32: { bytes: 4, kind: 'float' },
  FP64: { bytes: 8, kind: 'float' },
};

/** Whether the text is a datatype; letter case matters, as in the protocol. */
export function isDatatype(text: unknown): text is Datatype {
  return datatypes.some((datatype) => datatype === text);
}

/** The smallest and largest value of an integer datatype. */
export function integerRange(datatype: NumericDatatype): readonly [bigint, bigint] {
  const bits = BigInt(datatypeFacts[datatype].bytes * 8);
  return datatype.startsWith('U') ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/**
 * A typed array over `count` elements that lie at `offset` of a buffer; `offset` must be a multiple of the element size. The protocol is
 * little-endian, and so is every machine with a current Node.js or browser that people run; there is no swapping here.
 */
export function viewOf(datatype: NumericDatatype, buffer: ArrayBufferLike, offset: number, count: number): WireArray {
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return new Uint8Array(buffer, offset, count);
    case 'UINT16':
    case 'FP16':
      return new Uint16Array(buffer, offset, count);
    case 'UINT32':
      return new Uint32Array(buffer, offset, count);
    case 'UINT64':
      return new BigUint64Array(buffer, offset, count);
    case 'INT8':
      return new Int8Array(buffer, offset, count);
    case 'INT16':
      return new Int16Array(buffer, offset, count);
    case 'INT32':
      return new Int32Array(buffer, offset, count);
    case 'INT64':
      return new BigInt64Array(buffer, offset, count);
    case 'FP32':
      return new Float32Array(buffer, offset, count);
    case 'FP64':
      return new Float64Array(buffer, offset, count);
  }
}

/** An array of zeros for `count` elements. */
export function zerosOf(datatype: NumericDatatype, count: number): WireArray {
  return viewOf(datatype, new ArrayBuffer(count * datatypeFacts[datatype].bytes), 0, count);
}

/** The product of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
