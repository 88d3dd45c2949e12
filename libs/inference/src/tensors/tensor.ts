import type { Datatype } from '@slipway/contracts';
import type { TensorData } from './datatypes.js';

/** What is known of a tensor before its data is read. */
export interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

/** A named tensor: row-major elements in the form that `datatype` asks for (see `datatypes.ts`). */
export interface Tensor extends TensorHead {
  readonly data: TensorData;
}

/** The product of a shape; 1 for a scalar. May exceed 2^53, then only good for comparing with a bound. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const dimension of shape) count *= dimension;
  return count;
}
