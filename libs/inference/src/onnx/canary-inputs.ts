import type { Datatype, Signature, TensorSignature } from '@slipway/contracts';
import { makeNumericData, type TensorData } from '../tensors/datatypes.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';

/** Above this a generated input is not made: a declared shape costs nothing to write. */
export const maxCanaryElements = 16 * 1024 * 1024;

/** Inputs of zeros (empty texts) in the declared shapes, open dimensions taken as `rows` on axis 0 and 1 elsewhere. */
export function canaryInputs(signature: Signature, rows = 1): Tensor[] {
  return signature.inputs.filter((input) => input.optional !== true).map((input) => canaryInput(input, rows));
}

function canaryInput(input: TensorSignature, rows: number): Tensor {
  const shape = input.shape.map((dimension, axis) => (dimension === -1 ? (axis === 0 ? rows : 1) : dimension));
  const count = elementCount(shape);
  if (count > maxCanaryElements) throw new RangeError(`input ${JSON.stringify(input.name)} would need ${count} generated values`);
  return { name: input.name, datatype: input.datatype, shape, data: zeros(input.datatype, count) };
}

function zeros(datatype: Datatype, count: number): TensorData {
  return datatype === 'BYTES' ? Array.from({ length: count }, () => '') : makeNumericData(datatype, count);
}
