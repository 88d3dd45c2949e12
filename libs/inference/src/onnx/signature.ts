import { type Signature, SlipwayError, type TensorSignature } from '@slipway/contracts';
import { quote } from '../tensors/quote.js';
import type { DeclaredValue, ModelFacts } from './model-facts.js';
import type { RuntimeValue } from './runtime.js';

export interface SignatureResult {
  readonly signature: Signature;
  /** Sentences about outputs that exist but cannot be served. */
  readonly notes: readonly string[];
}

/** The part of the facts that the runtime's own view lacks: it shows a value of unknown rank like a scalar. */
export type Declared = Pick<ModelFacts, 'inputs' | 'outputs'>;

/**
 * The signature of a loaded model: names, datatypes and shapes as the runtime sees them, −1 for every open dimension.
 * Outputs that are no tensors are left out with a note.
 * @throws SlipwayError ARTEFACT_REFUSED when an input, or every output, is nothing the protocol can carry.
 */
export function toSignature(
  runtime: { readonly inputs: readonly RuntimeValue[]; readonly outputs: readonly RuntimeValue[] },
  declared: Declared,
): SignatureResult {
  const inputs = runtime.inputs.map((value) => {
    const tensor = toTensorSignature(value, declared.inputs);
    if (tensor === undefined) throw refused(`the input ${quote(value.name)} is ${value.kind}, which the Open Inference Protocol cannot carry`);
    return tensor;
  });
  const outputs: TensorSignature[] = [];
  const notes: string[] = [];
  for (const value of runtime.outputs) {
    const tensor = toTensorSignature(value, declared.outputs);
    if (tensor === undefined) notes.push(`The output ${quote(value.name)} is ${value.kind}; it is not served.`);
    else outputs.push(tensor);
  }
  const [first] = runtime.outputs;
  if (outputs.length === 0) {
    throw refused(
      `the output ${quote(first?.name ?? '')} is ${first?.kind ?? 'missing'}, and the model has no output that the Open Inference Protocol can carry`,
    );
  }
  return { signature: { inputs, outputs }, notes };
}

function toTensorSignature(value: RuntimeValue, declared: readonly DeclaredValue[]): TensorSignature | undefined {
  if (value.datatype === undefined) return undefined;
  const { name, datatype } = value;
  const file = declared.find((each) => each.name === name);
  const isUnranked = value.shape.length === 0 && file?.dims === undefined;
  return isUnranked ? { name, datatype, shape: [-1], unranked: true } : { name, datatype, shape: [...value.shape] };
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', reason);
}
