import type { Signature, TensorSignature } from '@slipway/contracts';

/** A signature in one line: `x FP32[*,30] → label INT64[*]`. */
export function signatureLine(signature: Signature | null): string {
  if (signature === null) return 'not read yet';
  return `${signature.inputs.map(tensorText).join(', ')} → ${signature.outputs.map(tensorText).join(', ')}`;
}

/** Name, type and shape; a star where any size goes. */
export function tensorText(tensor: TensorSignature): string {
  return `${tensor.name} ${tensor.datatype}${shapeText(tensor.shape)}`;
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.map((size) => (size < 0 ? '*' : size)).join(',')}]`;
}
