import type { Datatype, Signature, TensorSignature } from '@slipway/contracts';
import type { RoutingRevision } from '@slipway/deployments';
import { platform } from './metadata.js';

/**
 * The configuration of a version in the protocol's own words. Clients read it without looking: an object that is there is there in full,
 * and every number is a number.
 */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly version_policy: { readonly specific: { readonly versions: readonly number[] } };
  /** Rows of a request; 0 when rows are not counted, and then no shape has a dimension for them. */
  readonly max_batch_size: number;
  readonly input: readonly ConfigInput[];
  readonly output: readonly ConfigOutput[];
  readonly dynamic_batching?: DynamicBatching;
  readonly instance_group: readonly InstanceGroup[];
  readonly default_model_filename: string;
  readonly parameters: Readonly<Record<string, { readonly string_value: string }>>;
  readonly model_warmup: readonly never[];
  readonly model_transaction_policy: { readonly decoupled: boolean };
  readonly response_cache: { readonly enable: boolean };
}

export interface ConfigInput {
  readonly name: string;
  readonly data_type: string;
  readonly format: 'FORMAT_NONE';
  readonly dims: readonly number[];
  readonly is_shape_tensor: boolean;
  readonly allow_ragged_batch: boolean;
  readonly optional: boolean;
}

export interface ConfigOutput {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
  readonly label_filename: string;
  readonly is_shape_tensor: boolean;
}

export interface DynamicBatching {
  readonly preferred_batch_size: readonly number[];
  readonly max_queue_delay_microseconds: number;
  readonly preserve_ordering: boolean;
  readonly priority_levels: number;
  readonly default_priority_level: number;
  readonly default_queue_policy: {
    readonly timeout_action: 'REJECT';
    readonly default_timeout_microseconds: number;
    readonly allow_timeout_override: boolean;
    readonly max_queue_size: number;
  };
  readonly priority_queue_policy: Readonly<Record<string, never>>;
}

export interface InstanceGroup {
  readonly name: string;
  readonly kind: 'KIND_CPU';
  readonly count: number;
  readonly gpus: readonly number[];
  readonly secondary_devices: readonly never[];
  readonly profile: readonly string[];
  readonly passive: boolean;
  readonly host_policy: string;
}

/**
 * Told for revisions that join requests without a stated maximum. They have none: a larger single request is run alone, so this only has
 * to be large enough that no client holds back a batch.
 */
const unstatedMaxBatchSize = 1024;

/** @returns undefined while nothing is known of what the version takes. */
export function modelConfig(name: string, revision: RoutingRevision): ModelConfig | undefined {
  const { signature, batching } = revision;
  if (signature === undefined) return undefined;
  const maxBatchSize = maxBatchSizeOf(revision);
  const hasRows = maxBatchSize > 0;
  return {
    name,
    platform,
    backend: 'onnxruntime',
    version_policy: { specific: { versions: [revision.versionNumber] } },
    max_batch_size: maxBatchSize,
    input: signature.inputs.map((input) => toInput(input, hasRows)),
    output: signature.outputs.map((output) => toOutput(output, hasRows)),
    ...(hasRows ? { dynamic_batching: dynamicBatching(revision, batching.maxDelayMs) } : {}),
    instance_group: [instanceGroup(name, revision)],
    default_model_filename: 'model.onnx',
    parameters: {
      slipway_model: { string_value: revision.modelName },
      slipway_revision: { string_value: String(revision.number) },
      slipway_digest: { string_value: revision.digest },
    },
    model_warmup: [],
    model_transaction_policy: { decoupled: false },
    response_cache: { enable: false },
  };
}

/**
 * The maximum that clients are told. Above 0 they take the first dimension of every shape for the rows and strip it, so a model with a
 * tensor that has none is told as one that does not batch, whatever may be joined behind the scenes.
 */
export function maxBatchSizeOf({ signature, batching }: Pick<RoutingRevision, 'signature' | 'batching'>): number {
  if (signature === undefined || !batching.isOn || !everyTensorHasRows(signature)) return 0;
  return batching.isStated ? batching.maxBatchSize : unstatedMaxBatchSize;
}

function everyTensorHasRows({ inputs, outputs }: Signature): boolean {
  return [...inputs, ...outputs].every((tensor) => tensor.unranked !== true && tensor.shape[0] === -1);
}

function toInput(input: TensorSignature, hasRows: boolean): ConfigInput {
  return {
    name: input.name,
    data_type: configType(input.datatype),
    format: 'FORMAT_NONE',
    dims: dimsOf(input, hasRows),
    is_shape_tensor: false,
    allow_ragged_batch: false,
    optional: input.optional === true,
  };
}

function toOutput(output: TensorSignature, hasRows: boolean): ConfigOutput {
  return { name: output.name, data_type: configType(output.datatype), dims: dimsOf(output, hasRows), label_filename: '', is_shape_tensor: false };
}

function dimsOf({ shape }: TensorSignature, hasRows: boolean): readonly number[] {
  return hasRows ? shape.slice(1) : shape;
}

/** The configuration's name of a datatype: as the protocol's, but for texts. */
function configType(datatype: Datatype): string {
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;
}

function dynamicBatching({ deadlineMs, maxQueue }: RoutingRevision, maxDelayMs: number): DynamicBatching {
  return {
    preferred_batch_size: [],
    max_queue_delay_microseconds: Math.round(maxDelayMs * 1000),
    preserve_ordering: false,
    priority_levels: 0,
    default_priority_level: 0,
    default_queue_policy: {
      timeout_action: 'REJECT',
      default_timeout_microseconds: (deadlineMs ?? 0) * 1000,
      allow_timeout_override: true,
      max_queue_size: maxQueue,
    },
    priority_queue_policy: {},
  };
}

function instanceGroup(name: string, { instances }: RoutingRevision): InstanceGroup {
  return {
    name: `${name}_0`,
    kind: 'KIND_CPU',
    count: instances.length,
    gpus: [],
    secondary_devices: [],
    profile: [],
    passive: false,
    host_policy: '',
  };
}
