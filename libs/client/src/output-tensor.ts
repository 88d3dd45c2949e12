import { elementCount } from './datatypes.js';
import type { Datatype } from './generated/contract.js';
import { answerInvalid } from './slipway-api-error.js';

/** The array that holds the values of an output, row by row. FP16 is given as its values, BOOL as bytes of 0 and 1. */
export interface DataOf {
  readonly BOOL: Uint8Array;
  readonly UINT8: Uint8Array;
  readonly UINT16: Uint16Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
  readonly INT8: Int8Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  readonly FP16: Float32Array;
  readonly FP32: Float32Array;
  readonly FP64: Float64Array;
  readonly BYTES: readonly string[];
}

/** One value of an output as `toNested` and `at` give it. */
export type ValueOf<D extends Datatype> = D extends 'BOOL' ? boolean : D extends 'BYTES' ? string : D extends 'INT64' | 'UINT64' ? bigint : number;

/** Values nested as their shape says; for a scalar the value alone. */
export type Nested<T> = T | readonly Nested<T>[];

/** One output of a prediction. */
export class OutputTensor<D extends Datatype = Datatype> {
  constructor(
    readonly name: string,
    readonly datatype: D,
    readonly shape: readonly number[],
    readonly data: DataOf[D],
    /** BYTES alone, when they came as bytes: each element as it came, also where it is no text. */
    readonly elements?: readonly Uint8Array[],
  ) {}

  /** Narrows the type of `data` to that of a datatype. */
  is<E extends Datatype>(datatype: E): this is OutputTensor<E> {
    const own: Datatype = this.datatype;
    return own === datatype;
  }

  /** The tensor as one of a datatype. @throws SlipwayApiError ANSWER_INVALID when it is of another. */
  as<E extends Datatype>(datatype: E): OutputTensor<E> {
    if (this.is(datatype)) return this;
    throw answerInvalid(`output ${JSON.stringify(this.name)} is ${this.datatype}, not ${datatype}`);
  }

  /** The value at a place, one index per dimension; undefined outside of the shape. */
  at(...place: readonly number[]): ValueOf<D> | undefined {
    const { shape } = this;
    const isInside =
      place.length === shape.length && place.every((index, axis) => Number.isInteger(index) && index >= 0 && index < (shape[axis] ?? 0));
    return isInside ? this.value(place.reduce((sum, index, axis) => sum * (shape[axis] ?? 0) + index, 0)) : undefined;
  }

  /** The values as lists in lists: [[1, 2], [3, 4]]. */
  toNested(): Nested<ValueOf<D>> {
    return this.nest(0, 0);
  }

  private nest(depth: number, start: number): Nested<ValueOf<D>> {
    const size = this.shape[depth];
    if (size === undefined) return this.value(start);
    const step = elementCount(this.shape.slice(depth + 1));
    return Array.from({ length: size }, (_, index) => this.nest(depth + 1, start + index * step));
  }

  private value(at: number): ValueOf<D> {
    const value = this.data[at];
    // The array of a datatype holds the values of that datatype, which the compiler cannot follow through the map.
    return (this.datatype === 'BOOL' ? value === 1 : value) as ValueOf<D>;
  }
}
