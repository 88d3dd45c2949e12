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
    if (seen.has(head.name)) throw givenTwice(head.name);
    seen.add(head.name);
    const expected = inputByName(signature, head.name);
    if (expected === undefined) throw unknownInput(signature, head.name);
    checkHead(expected, head);
  }
  if (seen.size < signature.inputs.length) checkMissing(signature, seen);
}

/**
 * Checks that every input that must be there is among the given.
 * @throws SlipwayError INFER_INVALID
 */
export function checkMissing(signature: Signature, given: ReadonlySet<string>): void {
  for (const input of signature.inputs) {
    if (!given.has(input.name) && input.optional !== true) {
      const what = `${quote(input.name)} (${input.datatype} ${showShape(input.shape)})`;
      throw invalid(`input ${what} is missing: the model takes ${listNames(signature.inputs)}`);
    }
  }
}

export function givenTwice(name: string): SlipwayError {
  return invalid(`input ${quote(name)} is given twice`);
}

export function unknownInput(signature: Signature, name: string): SlipwayError {
  return invalid(`unknown input ${quote(name)}: the model takes ${listNames(signature.inputs)}`);
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

/**
 * Checks the datatype and shape of one input.
 * @throws SlipwayError INFER_INVALID
 */
export function checkHead(expected: TensorSignature, given: Omit<TensorHead, 'name'>): void {
  if (given.datatype !== expected.datatype) {
    throw invalid(`input ${quote(expected.name)}: expected datatype ${expected.datatype}, given ${given.datatype}`);
  }
  if (expected.unranked === true) return;
  const { shape } = given;
  if (shape.length !== expected.shape.length) {
    const wanted = `${expected.shape.length} dimensions ${showShape(expected.shape)}`;
    throw invalid(`input ${quote(expected.name)}: expected ${wanted}, given ${shape.length} ${showShape(shape)}`);
  }
  for (let axis = 0; axis < shape.length; axis++) {
    const wanted = expected.shape[axis];
    if (wanted !== -1 && wanted !== shape[axis]) {
      const both = `expected shape ${showShape(expected.shape)}, given ${showShape(shape)}`;
      throw invalid(`input ${quote(expected.name)}: ${both} (dimension ${axis} must be ${wanted})`);
    }
  }
}

/** A shape as people write it; -1 is any length. */
export function showShape(shape: readonly number[]): string {
  if (shape.length > 16) return `[${shape.slice(0, 16).join(',')},… ${shape.length} dimensions]`;
  return `[${shape.join(',')}]`;
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
