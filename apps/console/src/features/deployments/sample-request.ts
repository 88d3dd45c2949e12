import type { Signature, TensorSignature } from '@slipway/contracts';

export interface SampleRequest {
  readonly text: string;
  /** Too long to be shown and edited as text. */
  readonly isLarge: boolean;
}

/** From more elements on, values are not written out. */
export const largeElements = 4_096;
/** Above this the console does not make up data at all. */
const mostElements = 4_000_000;

/** A request that fits a signature: one row, plausible values. Optional inputs are left out. */
export function sampleRequest(signature: Signature): SampleRequest {
  const inputs = signature.inputs.filter((input) => input.optional !== true);
  const elements = inputs.reduce((sum, input) => sum + countOf(input), 0);
  if (elements > mostElements) return { text: '', isLarge: true };
  const isLarge = elements > largeElements;
  const body = { inputs: inputs.map((input) => ({ name: input.name, shape: shapeOf(input), datatype: input.datatype, data: valuesOf(input) })) };
  return { text: isLarge ? JSON.stringify(body) : layOut(body.inputs), isLarge };
}

/** The shape of one row. */
export function shapeOf(input: TensorSignature): readonly number[] {
  return input.shape.map((size) => (size < 0 ? 1 : size));
}

/** How many values a shape holds. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function countOf(input: TensorSignature): number {
  return elementsOf(shapeOf(input));
}

function valuesOf(input: TensorSignature): readonly (number | boolean | string)[] {
  return Array.from({ length: countOf(input) }, (_, index) => valueAt(input.datatype, index));
}

/** Small values that differ from place to place; the golden ratio spreads them without a random source. */
function valueAt(datatype: TensorSignature['datatype'], index: number): number | boolean | string {
  if (datatype === 'BOOL') return index % 2 === 0;
  if (datatype === 'BYTES') return 'text';
  const spread = ((index + 1) * 0.618034) % 1;
  if (datatype.startsWith('FP')) return Math.round(spread * 100) / 100;
  return Math.floor(spread * 10);
}

/** One line per tensor, so that the data can be edited. */
function layOut(
  inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly datatype: string; readonly data: readonly unknown[] }[],
): string {
  const lines = inputs.map(
    (input) =>
      `    {\n      "name": ${JSON.stringify(input.name)}, "shape": ${JSON.stringify(input.shape)}, "datatype": "${input.datatype}",\n      "data": [${input.data.map((value) => JSON.stringify(value)).join(', ')}]\n    }`,
  );
  return `{\n  "inputs": [\n${lines.join(',\n')}\n  ]\n}`;
}
