import type { Signature, TensorSignature } from './tensors.schema.js';

/** `same`: callers see no difference. `compatible`: requests and answers of before stay valid. `breaking`: some do not. */
export type CompatibilityKind = 'same' | 'compatible' | 'breaking';

/** How one signature stands to another, with a sentence per difference; `differences` is empty exactly when the kind is `same`. */
export interface SignatureCompatibility {
  readonly kind: CompatibilityKind;
  /** Breaking ones first; each names what was expected (before) and what is given (after). */
  readonly differences: readonly string[];
}

interface Difference {
  readonly isBreaking: boolean;
  readonly sentence: string;
}

/**
 * Compares what callers rely on (`before`, usually the version in production) with what they would get (`after`).
 *
 * Tensors are matched by name. An input may take more than before and never less; an output must stay, with its datatype, rank and fixed
 * dimensions. An output dimension that is not declared any more counts as compatible: nothing says that it changed (a batch of
 * one that becomes any batch looks like this).
 */
export function compareSignatures(before: Signature, after: Signature): SignatureCompatibility {
  const found = [...compareInputs(before.inputs, after.inputs), ...compareOutputs(before.outputs, after.outputs)];
  const breaking = found.filter((difference) => difference.isBreaking);
  const differences = [...breaking, ...found.filter((difference) => !difference.isBreaking)].map((difference) => difference.sentence);
  if (breaking.length > 0) return { kind: 'breaking', differences };
  return { kind: differences.length === 0 ? 'same' : 'compatible', differences };
}

function compareInputs(before: readonly TensorSignature[], after: readonly TensorSignature[]): Difference[] {
  const given = new Map(after.map((tensor) => [tensor.name, tensor]));
  const known = new Set(before.map((tensor) => tensor.name));
  const differences: Difference[] = [];
  for (const expected of before) {
    const what = `input ${quoted(expected.name)}`;
    const tensor = given.get(expected.name);
    if (tensor === undefined) differences.push(breaks(`${what}: expected ${describe(expected)}; it is missing`));
    else differences.push(...compareInput(what, expected, tensor));
  }
  for (const tensor of after) {
    if (known.has(tensor.name)) continue;
    const what = `input ${quoted(tensor.name)}`;
    if (tensor.optional === true) differences.push(fits(`${what}: expected none; given a new optional one, ${describe(tensor)}`));
    else differences.push(breaks(`${what}: expected none; given a new required one, ${describe(tensor)}, which callers do not send`));
  }
  return differences;
}

function compareInput(what: string, expected: TensorSignature, given: TensorSignature): Difference[] {
  const differences = compareDatatypes(what, expected, given);
  const wasOptional = expected.optional === true;
  if (wasOptional && given.optional !== true) differences.push(breaks(`${what}: expected optional; given required`));
  if (!wasOptional && given.optional === true) differences.push(fits(`${what}: expected required; given optional`));
  if (isUnranked(expected) && isUnranked(given)) return differences;
  const shapes = `expected shape ${shapeOf(expected)}, given ${shapeOf(given)}`;
  if (isUnranked(given)) return [...differences, fits(`${what}: ${shapes}: every shape is taken now`)];
  if (isUnranked(expected)) return [...differences, breaks(`${what}: ${shapes}: other ranks are refused now`)];
  return [...differences, ...compareShapes(what, expected, given, { nowFixed: 'breaking' })];
}

function compareOutputs(before: readonly TensorSignature[], after: readonly TensorSignature[]): Difference[] {
  const given = new Map(after.map((tensor) => [tensor.name, tensor]));
  const known = new Set(before.map((tensor) => tensor.name));
  const differences: Difference[] = [];
  for (const expected of before) {
    const what = `output ${quoted(expected.name)}`;
    const tensor = given.get(expected.name);
    if (tensor === undefined) differences.push(breaks(`${what}: expected ${describe(expected)}; it is missing`));
    else differences.push(...compareOutput(what, expected, tensor));
  }
  for (const tensor of after) {
    if (!known.has(tensor.name)) differences.push(fits(`output ${quoted(tensor.name)}: expected none; given a new one, ${describe(tensor)}`));
  }
  return [...differences, ...compareOrder(before, after)];
}

function compareOutput(what: string, expected: TensorSignature, given: TensorSignature): Difference[] {
  const differences = compareDatatypes(what, expected, given);
  const wasOptional = expected.optional === true;
  if (!wasOptional && given.optional === true) differences.push(breaks(`${what}: expected in every answer; given optional`));
  if (wasOptional && given.optional !== true) differences.push(fits(`${what}: expected optional; given in every answer`));
  if (isUnranked(expected) && isUnranked(given)) return differences;
  if (isUnranked(expected) || isUnranked(given)) {
    return [...differences, fits(`${what}: expected shape ${shapeOf(expected)}, given ${shapeOf(given)}: a rank is declared in one of them only`)];
  }
  return [...differences, ...compareShapes(what, expected, given, { nowFixed: 'compatible' })];
}

/** Callers find outputs by name; those that count them see another one at the old place. */
function compareOrder(before: readonly TensorSignature[], after: readonly TensorSignature[]): Difference[] {
  const names = (tensors: readonly TensorSignature[], others: readonly TensorSignature[]) =>
    tensors.map((tensor) => tensor.name).filter((name) => others.some((other) => other.name === name));
  const expected = names(before, after);
  const given = names(after, before);
  if (expected.every((name, index) => name === given[index])) return [];
  return [fits(`outputs: expected in the order ${listed(expected)}; given in the order ${listed(given)}`)];
}

function compareDatatypes(what: string, expected: TensorSignature, given: TensorSignature): Difference[] {
  return expected.datatype === given.datatype ? [] : [breaks(`${what}: expected datatype ${expected.datatype}; given ${given.datatype}`)];
}

/** @param nowFixed what it means that a dimension which could have any length has one length only. */
function compareShapes(what: string, expected: TensorSignature, given: TensorSignature, { nowFixed }: { nowFixed: CompatibilityKind }): Difference[] {
  const shapes = `expected shape ${shapeOf(expected)}, given ${shapeOf(given)}`;
  if (expected.shape.length !== given.shape.length) {
    return [breaks(`${what}: ${shapes}: the rank was ${expected.shape.length} and is ${given.shape.length}`)];
  }
  const differences: Difference[] = [];
  for (const [axis, length] of expected.shape.entries()) {
    const now = given.shape[axis] ?? -1;
    if (now === length) continue;
    if (now === -1) differences.push(fits(`${what}: ${shapes}: dimension ${axis} was ${length} and may have any length now`));
    else if (length !== -1) differences.push(breaks(`${what}: ${shapes}: dimension ${axis} was ${length} and is ${now}`));
    else
      differences.push({
        isBreaking: nowFixed === 'breaking',
        sentence: `${what}: ${shapes}: dimension ${axis} had any length and is ${now} now`,
      });
  }
  return differences;
}

function breaks(sentence: string): Difference {
  return { isBreaking: true, sentence };
}

function fits(sentence: string): Difference {
  return { isBreaking: false, sentence };
}

function isUnranked(tensor: TensorSignature): boolean {
  return tensor.unranked === true;
}

function describe(tensor: TensorSignature): string {
  return `${tensor.datatype} ${shapeOf(tensor)}`;
}

function shapeOf(tensor: TensorSignature): string {
  return isUnranked(tensor) ? 'of any rank' : `[${tensor.shape.join(', ')}]`;
}

function listed(names: readonly string[]): string {
  return names.slice(0, shownNames).map(quoted).join(', ') + (names.length > shownNames ? ', …' : '');
}

const shownNames = 10;
const shownLength = 80;

/** A name as part of a sentence: in quotes, control characters escaped, cut where it is long. */
function quoted(name: string): string {
  return name.length > shownLength ? `${JSON.stringify(name.slice(0, shownLength))}… (${name.length} characters)` : JSON.stringify(name);
}
