import { type Signature, SlipwayError, type TensorSignature } from '@slipway/contracts';
import { quote } from './quote.js';
import type { TensorHead } from './tensor.js';

/**
 * Checks names, datatypes and shapes of a request against a model's signature; nothing is allocated and no data looked at.
 * @throws SlipwayError INFER_INVALID with what was expected and what was given.
 */
export function checkInputs(signature: Signature, given: readonly TensorHead[]): void {
  const seen = new Set<string>();
  for (const head of given) {
    if (seen.has(head.name)) throw invalid(`input ${quote(head.name)} is given twice`);
    seen.add(head.name);
    const expected = inputByName(signature, head.name);
    if (expected === undefined) throw invalid(`unknown input ${quote(head.name)}: the model takes ${listNames(signature.inputs)}`);
    checkHead(expected, head);
  }
  for (const input of signature.inputs) {
    if (!seen.has(input.name) && input.optional !== true) {
      throw invalid(
        `input ${quote(input.name)} (${describe(input.datatype, input.shape)}) is missing: the model takes ${listNames(signature.inputs)}`,
      );
    }
  }
}

/** Above this many inputs a map is made, once per signature; below it looking is faster. */
const mapFrom = 16;
const maps = new WeakMap<Signature, ReadonlyMap<string, TensorSignature>>();

function inputByName(signature: Signature, name: string): TensorSignature | undefined {
  if (signature.inputs.length < mapFrom) return signature.inputs.find((input) => input.name === name);
  const known = maps.get(signature) ?? new Map(signature.inputs.map((input) => [input.name, input]));
  maps.set(signature, known);
  return known.get(name);
}

function checkHead(expected: TensorSignature, given: TensorHead): void {
  const name = quote(expected.name);
  if (given.datatype !== expected.datatype) {
    throw invalid(`input ${name}: expected datatype ${expected.datatype}, given ${given.datatype}`);
  }
  if (expected.unranked === true) return;
  const { shape } = given;
  if (shape.length !== expected.shape.length) {
    throw invalid(
      `input ${name}: expected ${expected.shape.length} dimensions ${showShape(expected.shape)}, given ${shape.length} ${showShape(shape)}`,
    );
  }
  for (let axis = 0; axis < shape.length; axis++) {
    const wanted = expected.shape[axis];
    if (wanted !== -1 && wanted !== shape[axis]) {
      throw invalid(`input ${name}: expected shape ${showShape(expected.shape)}, given ${showShape(shape)} (dimension ${axis} must be ${wanted})`);
    }
  }
}

/** A shape as people write it; -1 is any length. */
export function showShape(shape: readonly number[]): string {
  if (shape.length > 16) return `[${shape.slice(0, 16).join(',')},… ${shape.length} dimensions]`;
  return `[${shape.join(',')}]`;
}

function describe(datatype: string, shape: readonly number[]): string {
  return `${datatype} ${showShape(shape)}`;
}

/** Names for a message, cut where there are many. */
export function listNames(tensors: readonly { readonly name: string }[]): string {
  if (tensors.length === 0) return 'none';
  const shown = tensors.slice(0, 8).map((tensor) => quote(tensor.name));
  return tensors.length > 8 ? `${shown.join(', ')} and ${tensors.length - 8} more` : shown.join(', ');
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
