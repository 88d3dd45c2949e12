import { datatypes, type Signature } from '@slipway/contracts';
import { parseExact } from './parse-exact';
import { elementsOf, largeElements, shapeOf } from './sample-request';

/** An input of an example: its values as they stand in JSON (64-bit integers and NaN keep their text), or zeros where they are too many to show. */
export interface SnippetTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly values: readonly string[] | 'zeros';
}

/** The inputs of a request as it is typed or loaded; undefined when it is not one (yet). */
export function readTensors(body: string): readonly SnippetTensor[] | undefined {
  const request = parseExact(body);
  const inputs: unknown = isRecord(request) ? request['inputs'] : undefined;
  if (!Array.isArray(inputs) || inputs.length === 0) return undefined;
  const tensors = inputs.flatMap(readTensor);
  return tensors.length === inputs.length ? tensors : undefined;
}

/** The inputs that a model asks for, one row each, without values. */
export function zeroTensors(signature: Signature): readonly SnippetTensor[] {
  return signature.inputs
    .filter((input) => input.optional !== true)
    .map((input) => ({ name: input.name, datatype: input.datatype, shape: shapeOf(input), values: 'zeros' }));
}

function readTensor(input: unknown): readonly SnippetTensor[] {
  if (!isRecord(input)) return [];
  const { name, datatype, shape, data } = input;
  const isKnown = datatypes.some((known) => known === datatype);
  if (typeof name !== 'string' || typeof datatype !== 'string' || !isKnown || !isShape(shape)) return [];
  const values = Array.isArray(data) ? data.flat(64) : [data];
  const isWritable = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  if (values.length !== elementsOf(shape) || !values.every(isWritable)) return [];
  const texts = values.map((value) => (datatype === 'BYTES' ? JSON.stringify(value) : String(value)));
  return [{ name, datatype, shape, values: values.length > largeElements ? 'zeros' : texts }];
}

function isShape(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
