import type { Signature } from '@slipway/contracts';
import { makeNumericData, type NumericData, type TensorData } from '../tensors/datatypes.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';

/**
 * What requests must agree on to fit into one run: which inputs they give, and every dimension but the first. The same text for all requests
 * of a model that leaves nothing but the rows open.
 */
export function joinKey(signature: Signature, inputs: readonly Tensor[]): string {
  let key = '';
  for (const [index, declared] of signature.inputs.entries()) {
    const isFixed = declared.optional !== true && declared.unranked !== true && !declared.shape.includes(-1, 1);
    if (isFixed) continue;
    const input = inputs.find(({ name }) => name === declared.name);
    if (input !== undefined) key += `${index}:${input.shape.slice(1).join(',')};`;
  }
  return key;
}

/**
 * Whether a request's rows can be told apart in a joined run: every input has one for each of them. A model may take a single row of one input
 * for all rows of another, but joined it would take another request's.
 */
export function canJoin(inputs: readonly Tensor[], rows: number): boolean {
  return inputs.every(({ shape }) => shape[0] === rows);
}

/** Puts the rows of several requests one behind the other, input by input. All have the same key, so the same inputs. */
export function joinInputs(requests: readonly (readonly Tensor[])[], rows: number): Tensor[] {
  const first = requests[0] ?? [];
  return first.map((head) => {
    const parts = requests.map((inputs) => dataOf(inputs, head.name));
    return { name: head.name, datatype: head.datatype, shape: [rows, ...head.shape.slice(1)], data: joinData(head, parts, rows) };
  });
}

/** Whether every output has a row for each row that went in. Where one has not, the rows were not independent after all. */
export function canSplit(outputs: readonly Tensor[], rows: number): boolean {
  return outputs.every(({ shape }) => shape[0] === rows);
}

/** The outputs of one request out of those of a joined run: `rows` rows from row `from` on, as views. */
export function splitOutputs(outputs: readonly Tensor[], from: number, rows: number): Tensor[] {
  return outputs.map(({ name, datatype, shape, data }) => {
    const tail = shape.slice(1);
    const perRow = elementCount(tail);
    return { name, datatype, shape: [rows, ...tail], data: partOf(data, from * perRow, (from + rows) * perRow) };
  });
}

function dataOf(inputs: readonly Tensor[], name: string): TensorData {
  const input = inputs.find((each) => each.name === name);
  if (input === undefined) throw new RangeError(`joined requests differ in their inputs: ${JSON.stringify(name)} is missing in one`);
  return input.data;
}

function joinData(head: Tensor, parts: readonly TensorData[], rows: number): TensorData {
  if (head.datatype === 'BYTES') return parts.flatMap((part) => (isTexts(part) ? part : []));
  const data = makeNumericData(head.datatype, rows * elementCount(head.shape.slice(1)));
  let at = 0;
  for (const part of parts) {
    copyInto(data, part, at);
    at += part.length;
  }
  return data;
}

function copyInto(target: NumericData, part: TensorData, at: number): void {
  if (isTexts(part)) return;
  // Equal datatypes have equal kinds of arrays; the two kinds of `set` are told apart for the compiler.
  if ((target instanceof BigInt64Array || target instanceof BigUint64Array) && (part instanceof BigInt64Array || part instanceof BigUint64Array))
    target.set(part, at);
  else if (
    !(target instanceof BigInt64Array || target instanceof BigUint64Array) &&
    !(part instanceof BigInt64Array || part instanceof BigUint64Array)
  )
    target.set(part, at);
}

function partOf(data: TensorData, from: number, to: number): TensorData {
  return isTexts(data) ? data.slice(from, to) : data.subarray(from, to);
}

function isTexts(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
