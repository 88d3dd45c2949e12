import { describe, expect, it } from 'vitest';
import { readLoadConfig } from './load-config.js';
import { type ModelConfig, modelConfig } from './model-config.js';
import { deploymentOf, type RevisionSketch } from './testing/deployment-rows.js';

function shownFor(revision: Omit<RevisionSketch, 'number'>): ModelConfig {
  const [only] = deploymentOf({ revisions: [{ number: 1, version: 3, instances: 2, ...revision }] }).revisions;
  const config = only === undefined ? undefined : modelConfig('fraud', only);
  if (config === undefined) throw new Error('no configuration');
  return config;
}

const alone = shownFor({});
const joining = shownFor({ rowsIndependent: true });

const read = (config: unknown, shown = alone) => readLoadConfig(JSON.stringify(config), shown);

describe('readLoadConfig', () => {
  it.each([
    { name: 'nothing', config: {} },
    { name: 'what is shown, whole', config: alone },
    { name: 'what is shown of one that joins requests, whole', config: joining, shown: joining },
    { name: 'defaults and empty objects', config: { optimization: {}, model_warmup: [], metric_tags: {}, sequence_batching: null, backend: '' } },
    { name: 'half of what is shown', config: { name: 'fraud', model_transaction_policy: {}, response_cache: { enable: false } } },
    { name: 'its own input', config: { input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [-1, 2] }] } },
    { name: 'its own input without rows', config: { input: [{ name: 'x', data_type: 'TYPE_FP32', dims: ['2'] }], output: [] } },
    { name: 'the newest version', config: { version_policy: { latest: { num_versions: 1 } } } },
  ])('sees no change in $name', ({ config, shown }) => {
    expect(read(config, shown)).toEqual({});
  });

  it.each([
    { name: 'a maximum', config: { max_batch_size: 16 }, change: { batching: { maxBatchSize: 16 } } },
    { name: 'a maximum as clients write it', config: { max_batch_size: '16' }, change: { batching: { maxBatchSize: 16 } } },
    { name: 'no joining', config: { max_batch_size: 0 }, shown: joining, change: { batching: { mode: 'off' } } },
    { name: 'joining', config: { dynamic_batching: {} }, change: { batching: { mode: 'on' } } },
    {
      name: 'joining up to a size and with a delay',
      config: { max_batch_size: 8, dynamic_batching: { max_queue_delay_microseconds: '500', preferred_batch_size: [] } },
      change: { batching: { mode: 'on', maxBatchSize: 8, maxDelayMs: 0.5 } },
    },
    {
      name: 'another delay where requests are joined already',
      config: { ...joining, dynamic_batching: { ...joining.dynamic_batching, max_queue_delay_microseconds: 100 } },
      shown: joining,
      change: { batching: { maxDelayMs: 0.1 } },
    },
    { name: 'a number of instances', config: { instance_group: [{ count: 3 }] }, change: { replicas: 3 } },
    {
      name: 'instances of a kind',
      config: { instance_group: [{ name: 'g', kind: 'KIND_GPU', count: 1, gpus: [] }] },
      change: { replicas: 1, executionProviders: ['cuda', 'cpu'] },
    },
    { name: 'the processor', config: { instance_group: [{ kind: 'KIND_CPU' }] }, change: { executionProviders: ['cpu'] } },
    { name: 'any kind', config: { instance_group: [{ kind: 'KIND_AUTO' }] }, change: {} },
    { name: 'another version', config: { version_policy: { specific: { versions: ['2'] } } }, change: { version: 2 } },
  ])('reads $name', ({ config, shown, change }) => {
    expect(read(config, shown)).toEqual(change);
  });

  it.each<{ readonly config: unknown; readonly says: string }>([
    { config: [], says: 'expected an object; given []' },
    { config: { name: 'churn' }, says: '"name": it is "fraud" and cannot be changed; given \'churn\'' },
    { config: { backend: 'python' }, says: '"backend": it is "onnxruntime"' },
    { config: { max_batch_size: -1 }, says: '"max_batch_size": expected a whole number from 0 to 4096; given -1' },
    { config: { max_batch_size: 1.5 }, says: 'given 1.5' },
    { config: { max_batch_size: 'many' }, says: "given 'many'" },
    { config: { max_batch_size: 0, dynamic_batching: { max_queue_delay_microseconds: 5 } }, says: 'nothing to join' },
    { config: { dynamic_batching: { preferred_batch_size: [4] } }, says: '"dynamic_batching.preferred_batch_size"' },
    { config: { dynamic_batching: { priority_levels: 3 } }, says: '"dynamic_batching.priority_levels"' },
    { config: { dynamic_batching: { max_queue_delay_microseconds: 5_000_000 } }, says: 'from 0 to 1000000' },
    { config: { dynamic_batching: 1 }, says: 'expected an object; given 1' },
    { config: { instance_group: [{ count: 1 }, { count: 1 }] }, says: 'a list of one group' },
    { config: { instance_group: [{ count: 65 }] }, says: 'from 0 to 64' },
    { config: { instance_group: [{ kind: 'KIND_TPU' }] }, says: 'KIND_AUTO, KIND_CPU' },
    { config: { instance_group: [{ kind: 'KIND_GPU', gpus: [1] }] }, says: '"instance_group.gpus"' },
    { config: { version_policy: { all: {}, specific: { versions: [1, 2] } } }, says: 'a list of one version' },
    { config: { version_policy: { latest: { num_versions: 2 } } }, says: 'serves one version' },
    { config: { input: [{ name: 'z' }] }, says: '"input.name": the model has "x"; given \'z\'' },
    { config: { input: [{ name: 'x', dims: [3] }] }, says: '"input.dims": the model has [-1,2] for "x"; given [ 3 ]' },
    { config: { input: [{ name: 'x', data_type: 'TYPE_FP64' }] }, says: '"input.data_type"' },
    { config: { sequence_batching: { max_sequence_idle_microseconds: 5 } }, says: '"sequence_batching": this is not supported here' },
    { config: { model_transaction_policy: { decoupled: true } }, says: '"model_transaction_policy.decoupled"' },
    { config: { response_cache: { enable: true } }, says: '"response_cache.enable"' },
    { config: { parameters: { x: { string_value: 'y' } } }, says: '"parameters.x"' },
    { config: { model_warmup: [{ name: 'w' }] }, says: '"model_warmup"' },
    { config: { constructor: { prototype: 1 } }, says: '"constructor"' },
  ])('refuses with: $says', ({ config, says }) => {
    expect(() => read(config)).toThrow(says);
  });

  it('refuses what is nested deeper than any configuration', () => {
    expect(() => readLoadConfig(`{"optimization":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, alone)).toThrow('"optimization"');
  });

  it('refuses what is not JSON', () => {
    expect(() => readLoadConfig('{', alone)).toThrow('it is not JSON');
  });
});
