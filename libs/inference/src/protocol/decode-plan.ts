import type { Signature, TensorSignature } from '@slipway/contracts';
import type { WantedOutput } from './infer-request.js';

/** A tensor of the signature, made ready to be recognised in the bytes of a request. */
export interface PlannedTensor {
  readonly signature: TensorSignature;
  /** Its place in the signature. */
  readonly index: number;
  /** Its name as JSON has it, quotes included; undefined where JSON may write the name in several ways. */
  readonly nameBytes: Uint8Array | undefined;
  readonly datatypeBytes: Uint8Array;
}

/** What of decoding depends on the signature alone; made once per signature. */
export interface DecodePlan {
  readonly signature: Signature;
  readonly inputs: readonly PlannedTensor[];
  readonly outputs: readonly PlannedTensor[];
  readonly inputByName: ReadonlyMap<string, PlannedTensor>;
  readonly outputByName: ReadonlyMap<string, PlannedTensor>;
  /** All outputs, for requests that name none: as JSON, or as bytes. */
  readonly allAsJson: readonly WantedOutput[];
  readonly allAsBytes: readonly WantedOutput[];
}

const plans = new WeakMap<Signature, DecodePlan>();
let last: DecodePlan | undefined;

/** An instance has one signature, so the last plan is nearly always the one. */
export function planOf(signature: Signature): DecodePlan {
  if (last?.signature === signature) return last;
  const plan = plans.get(signature) ?? makePlan(signature);
  plans.set(signature, plan);
  last = plan;
  return plan;
}

function makePlan(signature: Signature): DecodePlan {
  const inputs = signature.inputs.map(toPlanned);
  const outputs = signature.outputs.map(toPlanned);
  const wanted = (binary: boolean) => Object.freeze(signature.outputs.map(({ name }) => Object.freeze({ name, binary })));
  return {
    signature,
    inputs,
    outputs,
    inputByName: byName(inputs),
    outputByName: byName(outputs),
    allAsJson: wanted(false),
    allAsBytes: wanted(true),
  };
}

function toPlanned(signature: TensorSignature, index: number): PlannedTensor {
  const isPlain = /^[\x20-\x7e]*$/.test(signature.name) && !/["\\]/.test(signature.name);
  return {
    signature,
    index,
    nameBytes: isPlain ? Buffer.from(`"${signature.name}"`, 'latin1') : undefined,
    datatypeBytes: Buffer.from(`"${signature.datatype}"`, 'latin1'),
  };
}

function byName(tensors: readonly PlannedTensor[]): ReadonlyMap<string, PlannedTensor> {
  return new Map(tensors.map((tensor) => [tensor.signature.name, tensor]));
}
