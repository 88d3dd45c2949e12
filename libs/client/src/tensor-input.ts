import type { Datatype } from './generated/contract.js';
import { inputInvalid } from './slipway-api-error.js';

/** One value of a tensor. 64-bit integers beyond 2^53 are bigints; BYTES elements are texts or their bytes. */
export type TensorElement = number | bigint | boolean | string | Uint8Array;

/** `Float16Array`, where there is one. */
export interface Float16Values extends ArrayBufferView, ArrayLike<number> {
  readonly [Symbol.toStringTag]: 'Float16Array';
}

export type TypedValues =
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | Float16Values;

/** A value, a list of rows of any depth, or a typed array that holds a row or the whole tensor row by row. */
export type NestedValues = TensorElement | TypedValues | readonly NestedValues[];

/** A tensor with what cannot or need not be guessed. */
export interface TensorInput {
  readonly data: NestedValues;
  /** Absent: as the data is nested, else as the deployment's metadata says. */
  readonly shape?: readonly number[];
  /** Absent: as the typed array says, else as the deployment's metadata says. */
  readonly datatype?: Datatype;
}

/** The inputs of one prediction, by name. */
export type Inputs = Readonly<Record<string, NestedValues | TensorInput | undefined>> | readonly (TensorInput & { readonly name: string })[];

/** One input as the caller gave it. */
export interface NamedInput extends TensorInput {
  readonly name: string;
}

/** Inputs of either form, one by one; undefined is an optional input left out. */
export function namedInputs(inputs: Inputs): NamedInput[] {
  const named = isList(inputs) ? [...inputs] : Object.entries(inputs).flatMap(([name, input]) => (input === undefined ? [] : [toNamed(name, input)]));
  for (const { name, data } of named) {
    if (typeof name !== 'string') throw inputInvalid(`expected an input with a name, given ${JSON.stringify(name)}`);
    if (data === undefined || data === null) throw inputInvalid(`input ${JSON.stringify(name)}: has no data`);
  }
  return named;
}

function toNamed(name: string, input: NestedValues | TensorInput): NamedInput {
  return isTensorInput(input) ? { ...input, name } : { name, data: input };
}

function isList(inputs: Inputs): inputs is readonly NamedInput[] {
  return Array.isArray(inputs);
}

function isTensorInput(input: NestedValues | TensorInput): input is TensorInput {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && !ArrayBuffer.isView(input);
}

/** Whether a value holds further values. A Uint8Array is one element of a BYTES tensor, and a row of any other. */
export function isRow(value: NestedValues, datatype: Datatype): value is TypedValues | readonly NestedValues[] {
  if (Array.isArray(value)) return true;
  return isTyped(value) && (datatype !== 'BYTES' || !(value instanceof Uint8Array));
}

export function isTyped(value: NestedValues): value is TypedValues {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** The datatype that a typed array stands for; undefined for anything else. */
export function datatypeOfValues(value: NestedValues): Datatype | undefined {
  if (!isTyped(value)) return undefined;
  const datatypeOf: Readonly<Record<string, Datatype>> = {
    Uint8Array: 'UINT8',
    Uint8ClampedArray: 'UINT8',
    Uint16Array: 'UINT16',
    Uint32Array: 'UINT32',
    BigUint64Array: 'UINT64',
    Int8Array: 'INT8',
    Int16Array: 'INT16',
    Int32Array: 'INT32',
    BigInt64Array: 'INT64',
    Float16Array: 'FP16',
    Float32Array: 'FP32',
    Float64Array: 'FP64',
  };
  return datatypeOf[value[Symbol.toStringTag]];
}
