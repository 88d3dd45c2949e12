import { elementCount, isDatatype, type NumericDatatype, viewOf, type WireArray, zerosOf } from './datatypes.js';
import { type Datatype, datatypes } from './generated/contract.js';
import { shapeOfValues, visitValues } from './nested-values.js';
import { inputInvalid } from './slipway-api-error.js';
import { datatypeOfValues, isTyped, type NamedInput, type TensorElement, type TypedValues } from './tensor-input.js';
import { elementWriter } from './write-element.js';

/** What is known of an input from the deployment. */
export interface InputMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A tensor as it goes out: numbers in the protocol's own form, BYTES as the bytes of each element. */
export type WireTensor =
  | { readonly name: string; readonly datatype: NumericDatatype; readonly shape: readonly number[]; readonly data: WireArray }
  | {
      readonly name: string;
      readonly datatype: 'BYTES';
      readonly shape: readonly number[];
      readonly data: readonly Uint8Array[];
      readonly isText: boolean;
    };

/** Whether the deployment has to be asked before this input can be sent. */
export function needsMetadata(input: NamedInput): boolean {
  if (input.datatype === undefined && datatypeOfValues(input.data) === undefined) return true;
  return input.shape === undefined && isTyped(input.data) && !isBytesElement(input);
}

function isBytesElement({ data, datatype }: NamedInput): boolean {
  return datatype === 'BYTES' && data instanceof Uint8Array;
}

/**
 * Checks and lays out one input. The datatype is the stated one, else the typed array's, else the deployment's; the shape the stated one,
 * else that of the nesting, and for a flat list whose rank is not the model's, the deployment's with the open dimension filled in.
 * @throws SlipwayApiError INPUT_INVALID naming the input, what was expected and what was given.
 */
export function toWireTensor(input: NamedInput, metadata: InputMetadata | undefined): WireTensor {
  const datatype = datatypeOf(input, metadata);
  const shape = shapeOf(input, datatype, metadata);
  return datatype === 'BYTES' ? bytesTensor(input, shape) : { name: input.name, datatype, shape, data: numericData(input, datatype, shape) };
}

function datatypeOf(input: NamedInput, metadata: InputMetadata | undefined): Datatype {
  const datatype = input.datatype ?? datatypeOfValues(input.data) ?? metadata?.datatype;
  if (isDatatype(datatype)) return datatype;
  if (datatype === undefined) throw wrong(input, 'has no datatype: it is not stated, and the deployment has no input of this name');
  throw wrong(input, `expected one of the datatypes ${datatypes.join(', ')}, given ${JSON.stringify(datatype)}`);
}

function shapeOf(input: NamedInput, datatype: Datatype, metadata: InputMetadata | undefined): readonly number[] {
  if (input.shape !== undefined) return checkedShape(input, input.shape);
  const own = shapeOfValues(input.data, datatype, (message) => wrong(input, message));
  const isFlat = own.length === 1;
  if (!isFlat || metadata === undefined || metadata.shape.length === 1) return own;
  return filledShape(input, metadata.shape, own[0] ?? 0);
}

function checkedShape(input: NamedInput, shape: readonly number[]): readonly number[] {
  if (shape.every((size) => Number.isSafeInteger(size) && size >= 0) && Number.isSafeInteger(elementCount(shape))) return shape;
  throw wrong(input, `expected a shape of whole numbers from 0 on, given ${JSON.stringify(shape)}`);
}

/** The deployment's shape with its one open dimension chosen so that it holds `count` values. */
function filledShape(input: NamedInput, shape: readonly number[], count: number): readonly number[] {
  const open = shape.filter((size) => size < 0).length;
  const fixed = shape.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const rest = fixed === 0 ? 0 : count / fixed;
  if (open === 0 && fixed === count) return shape;
  if (open === 1 && Number.isInteger(rest)) return shape.map((size) => (size < 0 ? rest : size));
  const hint = open > 1 ? '; state its "shape", more than one dimension is open' : '';
  throw wrong(input, `${count} values do not fill ${JSON.stringify(shape)}${hint}`);
}

function numericData(input: NamedInput, datatype: NumericDatatype, shape: readonly number[]): WireArray {
  const count = elementCount(shape);
  const { data } = input;
  if (isTyped(data)) {
    if (data.length !== count) throw wrong(input, `expected ${count} values for shape ${JSON.stringify(shape)}, given ${data.length}`);
    const same = asItIs(data, datatype);
    if (same !== undefined) return same;
  }
  const into = zerosOf(datatype, count);
  const write = elementWriter(datatype, into);
  visitValues(data, {
    datatype,
    shape,
    element: (at, value) => {
      const expected = write(at, value);
      if (expected !== undefined) throw wrong(input, `expected ${expected} for ${datatype} at element ${at}, given ${show(value)}`);
    },
    fail: (message) => wrong(input, message),
  });
  return into;
}

/** A typed array that already is what goes out: no copy. 16-bit integers are taken for the bits of FP16, as the protocol's bytes have it. */
function asItIs(data: TypedValues, datatype: NumericDatatype): WireArray | undefined {
  const own = datatypeOfValues(data);
  const isBits = datatype === 'FP16' && own === 'UINT16';
  return own === datatype || isBits ? viewOf(datatype, data.buffer, data.byteOffset, data.length) : undefined;
}

function bytesTensor(input: NamedInput, shape: readonly number[]): WireTensor {
  const encoder = new TextEncoder();
  const data: Uint8Array[] = [];
  let isText = true;
  visitValues(input.data, {
    datatype: 'BYTES',
    shape,
    element: (at, value) => {
      if (value instanceof Uint8Array) {
        isText = false;
        data.push(value);
        return;
      }
      if (typeof value !== 'string') throw wrong(input, `expected a text or its bytes at element ${at}, given ${show(value)}`);
      // The encoder would put U+FFFD in its place without a word.
      if (/\p{Surrogate}/u.test(value)) throw wrong(input, `element ${at} has half a surrogate pair, which UTF-8 cannot hold`);
      data.push(encoder.encode(value));
    },
    fail: (message) => wrong(input, message),
  });
  return { name: input.name, datatype: 'BYTES', shape, data, isText };
}

function wrong(input: NamedInput, message: string): Error {
  return inputInvalid(`input ${JSON.stringify(input.name)}: ${message}`);
}

function show(value: TensorElement): string {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'object' ? 'something else' : (typeof value === 'string' ? JSON.stringify(value) : String(value)).slice(0, 60);
}
