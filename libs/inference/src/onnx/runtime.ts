import { type Datatype, messageOf, SlipwayError } from '@slipway/contracts';
import { binding, initOrt } from 'onnxruntime-node/dist/binding.js';
import { datatypeFacts, datatypeOfOnnx, type NumericData, onnxTypeName, type TensorData } from '../tensors/datatypes.js';
import type { Tensor } from '../tensors/tensor.js';
import { cleanRuntimeMessage } from './runtime-message.js';

export interface SessionOptions {
  readonly intraOpThreads: number;
  readonly interOpThreads: number;
  /** In order of preference; see `openSession`. */
  readonly executionProviders: readonly string[];
  readonly graphOptimization: 'disabled' | 'basic' | 'extended' | 'all';
}

/** A loaded model and what runs it. */
export interface OpenedSession {
  readonly session: RuntimeSession;
  /** The execution provider. What it does not know of a model, it leaves to `cpu`. */
  readonly provider: string;
  /** Why it is not the provider that was wished first, for people; absent when it is. */
  readonly note?: string;
}

const fallback = 'cpu';

/**
 * Loads a model on the first of the wished providers that can, and on `cpu` when none can: that always can, and the note says what was wished.
 * One at a time, because the runtime refuses a whole list for a single one that it lacks. Blocks.
 * @throws SlipwayError ARTEFACT_REFUSED when not even `cpu` can load it, with the runtime's reason.
 */
export function openSession(modelPath: string, options: SessionOptions): OpenedSession {
  const refusals: string[] = [];
  for (const provider of options.executionProviders) {
    if (provider === fallback) break;
    try {
      const session = new RuntimeSession(modelPath, { ...options, executionProviders: [provider] });
      return { session, provider, ...noteOf(refusals) };
    } catch (error) {
      refusals.push(`${provider}: ${whyNot(messageOf(error))}`);
    }
  }
  const session = new RuntimeSession(modelPath, { ...options, executionProviders: [fallback] });
  return { session, provider: fallback, ...noteOf(refusals) };
}

function noteOf(refusals: readonly string[]): { note?: string } {
  return refusals.length === 0 ? {} : { note: `wished ${refusals.join('; ')}` };
}

/** What the runtime says where its build lacks a provider, or the machine what the provider needs. */
const absences: readonly RegExp[] = [/is unsupported/, /Failed to load (?:shared )?library/, /ExecutionProvider_\w+/, /No supported adapters/];

function whyNot(message: string): string {
  return absences.some((absence) => absence.test(message)) ? 'not available here' : `it could not load this model (${message.slice(0, 200)})`;
}

/** One input or output as the runtime sees it; without a datatype it is no tensor, or one of a type the protocol lacks. */
export interface RuntimeValue {
  readonly name: string;
  readonly datatype?: Datatype;
  /** -1 is any length. */
  readonly shape: readonly number[];
  /** What it is when it has no datatype, for messages. */
  readonly kind: string;
}

/**
 * A loaded model. Loading and running are synchronous native calls: they block the thread, so this belongs in an instance
 * or validation process and nowhere else. The runtime's own binding is used below its public wrapper because the wrapper
 * puts a turn of the event loop between call and run and loses tensors named `__proto__`.
 */
export class RuntimeSession {
  private readonly native: InstanceType<typeof binding.InferenceSession>;
  readonly inputs: readonly RuntimeValue[];
  readonly outputs: readonly RuntimeValue[];

  /** @throws SlipwayError ARTEFACT_REFUSED with the runtime's reason, cleaned of its source locations and of paths. */
  constructor(modelPath: string, options: SessionOptions) {
    initOrt();
    this.native = new binding.InferenceSession();
    try {
      this.native.loadModel(modelPath, {
        intraOpNumThreads: options.intraOpThreads,
        interOpNumThreads: options.interOpThreads,
        executionProviders: options.executionProviders,
        graphOptimizationLevel: options.graphOptimization,
        logSeverityLevel: 4,
      });
    } catch (error) {
      throw new SlipwayError('ARTEFACT_REFUSED', cleanRuntimeMessage(error), { cause: error });
    }
    this.inputs = this.native.inputMetadata.map(toRuntimeValue);
    this.outputs = this.native.outputMetadata.map(toRuntimeValue);
  }

  /**
   * Runs the model and returns the wanted outputs in their order. Blocks until done.
   * @throws whatever the runtime throws; see `toRunError`.
   */
  run(inputs: readonly Tensor[], outputNames: readonly string[]): Tensor[] {
    const feeds: Record<string, RuntimeTensor> = Object.create(null);
    for (const input of inputs) define(feeds, input.name, toRuntimeTensor(input));
    const fetches: Record<string, null> = Object.create(null);
    for (const name of outputNames) define(fetches, name, null);
    // The binding's types ask for its Tensor class; it reads exactly these four fields.
    const results = this.native.run(feeds as never, fetches, {});
    return outputNames.map((name) => toTensor(name, resultOf(results, name)));
  }

  /** Frees the native memory. */
  release(): void {
    this.native.dispose();
  }
}

interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TensorData;
  readonly location: 'cpu';
}

/** Plain assignment would call the setter that objects have under the name `__proto__`; it is also the faster way for every other name. */
function define<T>(target: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

/** The binding assigns results by name on a plain object, where an output called `__proto__` becomes the prototype. */
function resultOf(results: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(results, name)) return results[name];
  if (name === '__proto__') return Object.getPrototypeOf(results);
  throw new SlipwayError('MODEL_RUN_FAILED', `the runtime gave no output ${JSON.stringify(name)}`);
}

function toRuntimeTensor(tensor: Tensor): RuntimeTensor {
  return { type: datatypeFacts[tensor.datatype].runtime, dims: tensor.shape, data: tensor.data, location: 'cpu' };
}

const datatypeByRuntimeName = new Map<string, Datatype>();
for (const elementType of Array.from({ length: 32 }, (_, index) => index)) {
  const datatype = datatypeOfOnnx(elementType);
  if (datatype !== undefined) datatypeByRuntimeName.set(datatypeFacts[datatype].runtime, datatype);
}

function toTensor(name: string, value: unknown): Tensor {
  if (!isResult(value)) throw new SlipwayError('MODEL_RUN_FAILED', `output ${JSON.stringify(name)} is not a tensor`);
  const datatype = datatypeByRuntimeName.get(value.type);
  if (datatype === undefined)
    throw new SlipwayError('MODEL_RUN_FAILED', `output ${JSON.stringify(name)} has the type ${value.type}, which the protocol lacks`);
  return { name, datatype, shape: value.dims, data: datatype === 'FP16' ? asBits(value.data) : value.data };
}

interface RuntimeResult {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: NumericData | readonly string[];
}

function isResult(value: unknown): value is RuntimeResult {
  return typeof value === 'object' && value !== null && 'type' in value && 'dims' in value && 'data' in value;
}

/** Newer engines have a Float16Array, which the runtime then gives; here FP16 is its 16 bits. */
function asBits(data: NumericData | readonly string[]): NumericData | readonly string[] {
  return 'buffer' in data && !(data instanceof Uint16Array) ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

function toRuntimeValue(value: { name: string; isTensor: boolean; type: number; shape: number[] }): RuntimeValue {
  if (!value.isTensor) return { name: value.name, shape: [], kind: 'a sequence, map or optional value, not a tensor' };
  const datatype = datatypeOfOnnx(value.type);
  const shape = value.shape.map((dimension) => (dimension < 0 ? -1 : dimension));
  return { name: value.name, shape, kind: `a tensor of ${onnxTypeName(value.type)}`, ...(datatype === undefined ? {} : { datatype }) };
}
