import type { Signature, Task } from '@slipway/contracts';
import { makeNumericData, type Tensor, type TensorData } from '@slipway/inference';

/**
 * One row of a request, so that every measurement is of one sample and costs no more than it must; the whole request where its rows cannot be told
 * apart by the signature.
 */
export function oneRowOf(inputs: readonly Tensor[], signature: Signature, task: Task | undefined, row: number): readonly Tensor[] {
  const rows = inputs[0]?.shape[0] ?? 1;
  const canCut =
    task?.rowAxis === 0 && rows > 1 && signature.inputs.every(({ shape }) => shape[0] === -1) && inputs.every(({ shape }) => shape[0] === rows);
  return canCut ? inputs.map((input) => rowOf(input, rows, row % rows)) : inputs;
}

function rowOf(input: Tensor, rows: number, row: number): Tensor {
  const per = input.data.length / rows;
  const shape = [1, ...input.shape.slice(1)];
  return { ...input, shape, data: input.data.slice(row * per, (row + 1) * per) };
}

/** Inputs with memory of their own: an engine may take what it is given for good. */
export function copyOf(inputs: readonly Tensor[]): Tensor[] {
  return inputs.map((input) => ({ ...input, data: input.data.slice() }));
}

/** Above this many values no input is made up: a declared shape costs nothing to write. */
const madeUpMost = 1024 * 1024;

/**
 * The same small inputs for everybody, no two values of which need be equal: zeros would hide most of what can be wrong with weights. Small enough
 * to be valid as indices, classes or probabilities. Open dimensions are 1.
 * @returns undefined for inputs that are too large to be made up
 */
export function madeUpInputs(signature: Signature): readonly Tensor[] | undefined {
  const made: Tensor[] = [];
  for (const { name, datatype, shape: declared, optional } of signature.inputs) {
    if (optional === true) continue;
    const shape = declared.map((dimension) => (dimension === -1 ? 1 : dimension));
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    if (count > madeUpMost) return undefined;
    made.push({ name, datatype, shape, data: madeUpData(datatype, count) });
  }
  return made;
}

function madeUpData(datatype: Tensor['datatype'], count: number): TensorData {
  if (datatype === 'BYTES') return new Array<string>(count).fill('a');
  const data = makeNumericData(datatype, count);
  for (let at = 0; at < count; at += 1) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(at % 2);
    // 0.25 and 0.5 as 16-bit floats.
    else if (datatype === 'FP16') data[at] = at % 2 === 0 ? 0x3400 : 0x3800;
    else data[at] = datatype.startsWith('FP') ? ((at * 7 + 3) % 11) / 10 : at % 2;
  }
  return data;
}
