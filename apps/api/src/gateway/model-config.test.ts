import type { Signature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { type ModelConfig, modelConfig } from './model-config.js';
import { deploymentOf, type RevisionSketch } from './testing/deployment-rows.js';

const mixed: Signature = {
  inputs: [
    { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'image', datatype: 'FP16', shape: [-1, 3, -1, -1], optional: true },
  ],
  outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }],
};

function configOf(revision: Omit<RevisionSketch, 'number'>): ModelConfig {
  const config = modelConfig('fraud', revisionOf(revision));
  if (config === undefined) throw new Error('no configuration');
  return config;
}

function revisionOf(revision: Omit<RevisionSketch, 'number'>) {
  const [only] = deploymentOf({ revisions: [{ number: 1, ...revision }] }).revisions;
  if (only === undefined) throw new Error('no revision');
  return only;
}

describe('modelConfig', () => {
  it('is whole: what a version that joins requests looks like', () => {
    expect(configOf({ version: 4, rowsIndependent: true, maxQueue: 7, deadlineMs: 250, instances: 2 })).toEqual({
      name: 'fraud',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      version_policy: { specific: { versions: [4] } },
      max_batch_size: 1024,
      input: [
        { name: 'x', data_type: 'TYPE_FP32', format: 'FORMAT_NONE', dims: [2], is_shape_tensor: false, allow_ragged_batch: false, optional: false },
      ],
      output: [{ name: 'y', data_type: 'TYPE_FP32', dims: [1], label_filename: '', is_shape_tensor: false }],
      dynamic_batching: {
        preferred_batch_size: [],
        max_queue_delay_microseconds: 2000,
        preserve_ordering: false,
        priority_levels: 0,
        default_priority_level: 0,
        default_queue_policy: {
          timeout_action: 'REJECT',
          default_timeout_microseconds: 250_000,
          allow_timeout_override: true,
          max_queue_size: 7,
        },
        priority_queue_policy: {},
      },
      instance_group: [
        { name: 'fraud_0', kind: 'KIND_CPU', count: 2, gpus: [], secondary_devices: [], profile: [], passive: false, host_policy: '' },
      ],
      default_model_filename: 'model.onnx',
      parameters: {
        slipway_model: { string_value: 'fraud' },
        slipway_revision: { string_value: '1' },
        slipway_digest: { string_value: 'sha256:00' },
      },
      model_warmup: [],
      model_transaction_policy: { decoupled: false },
      response_cache: { enable: false },
    });
  });

  it('tells the maximum that the revision states', () => {
    expect(configOf({ rowsIndependent: true, batching: { mode: 'auto', maxBatchSize: 8 } }).max_batch_size).toBe(8);
  });

  it.each([
    { name: 'a version whose rows are not proven to be independent', revision: {} },
    { name: 'a revision that switches it off', revision: { rowsIndependent: true, batching: { mode: 'off' as const } } },
    {
      name: 'a model with a tensor without rows',
      revision: {
        rowsIndependent: true,
        signature: { ...mixed, outputs: [{ name: 'sum', datatype: 'FP32' as const, shape: [] }] },
      },
    },
    {
      name: 'a model with a tensor of any rank',
      revision: { rowsIndependent: true, signature: { ...mixed, inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1], unranked: true }] } },
    },
  ])('gives whole shapes and no batching for $name', ({ revision }) => {
    const config = configOf(revision);
    expect(config.max_batch_size).toBe(0);
    expect(config).not.toHaveProperty('dynamic_batching');
    const signature = 'signature' in revision ? revision.signature : undefined;
    expect(config.input.map((input) => input.dims)).toEqual(signature?.inputs.map((input) => input.shape) ?? [[-1, 2]]);
  });

  it('names datatypes and optional inputs, and leaves the rows out of the shapes alone', () => {
    const config = configOf({ rowsIndependent: true, signature: mixed });
    expect(config.input.map(({ data_type, dims, optional }) => ({ data_type, dims, optional }))).toEqual([
      { data_type: 'TYPE_STRING', dims: [1], optional: false },
      { data_type: 'TYPE_FP16', dims: [3, -1, -1], optional: true },
    ]);
    expect(config.output.map(({ data_type, dims }) => ({ data_type, dims }))).toEqual([{ data_type: 'TYPE_INT64', dims: [] }]);
  });

  it('is not there while nothing is known of what the version takes', () => {
    expect(modelConfig('fraud', revisionOf({ signature: null }))).toBeUndefined();
  });

  it('holds nothing that JSON would leave out, and no number as a text', () => {
    const config: ModelConfig = configOf({ rowsIndependent: true });
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    const texts = JSON.stringify({ ...config, parameters: {} }).match(/:"\d+"/g);
    expect(texts).toBeNull();
  });
});
