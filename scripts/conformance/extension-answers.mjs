/** What answers of the protocol's extensions have to be, by what clients read of them. Each answers with a fault in a sentence or nothing. */

/** The classes of OUTPUT0 of `simple` for its recorded inputs 0…15 plus 1: value, index; highest first. */
export function classificationFault(outputs) {
  const [output, ...more] = outputs;
  if (output?.name !== 'OUTPUT0' || more.length > 0) return `the outputs are ${outputs.map(({ name }) => name)}`;
  if (output.datatype !== 'BYTES' || String(output.shape) !== '1,3') return `OUTPUT0 is ${output.datatype} [${output.shape}], not BYTES [1,3]`;
  const classes = output.values.map((text) => text.split(':').map(Number));
  const wanted = [
    [16, 15],
    [15, 14],
    [14, 13],
  ];
  return JSON.stringify(classes) === JSON.stringify(wanted) ? undefined : `the classes are ${output.values.join(', ')}`;
}

/**
 * A model's configuration: `recorded` says what has to be there; how large the batches are is this product's matter, and then whether the
 * batch is one of the dimensions. What clients take at its word must be whole.
 */
export function configFault(recorded, given) {
  for (const key of ['name', 'platform']) if (given[key] !== recorded[key]) return `${key} is ${given[key]}, not ${recorded[key]}`;
  if (!Number.isInteger(given.max_batch_size) || given.max_batch_size < 0) return `max_batch_size is ${given.max_batch_size}`;
  for (const side of ['input', 'output']) {
    const wanted = recorded[side].map(({ name, data_type, dims }) => ({ name, data_type, dims: given.max_batch_size > 0 ? dims : [-1, ...dims] }));
    const shown = given[side]?.map(({ name, data_type, dims }) => ({ name, data_type, dims }));
    if (JSON.stringify(shown) !== JSON.stringify(wanted)) return `${side} is ${JSON.stringify(shown)}, not ${JSON.stringify(wanted)}`;
  }
  const policy = given.model_transaction_policy;
  if (policy !== undefined && typeof policy.decoupled !== 'boolean') return 'model_transaction_policy has no boolean "decoupled"';
  const cache = given.response_cache;
  if (cache !== undefined && typeof cache.enable !== 'boolean') return 'response_cache has no boolean "enable"';
  const delay = given.dynamic_batching?.max_queue_delay_microseconds;
  return delay === undefined || typeof delay === 'number' ? undefined : 'max_queue_delay_microseconds is no number';
}

const durations = ['success', 'fail', 'queue', 'compute_input', 'compute_infer', 'compute_output', 'cache_hit', 'cache_miss'];

/** Statistics as perf_analyzer reads them: every field there, every number a number. */
export function statisticsFault(given, model) {
  const entry = given.model_stats?.find(({ name }) => name === model);
  if (entry === undefined) return `${model} is not among the statistics`;
  if (typeof entry.version !== 'string') return `the version is ${JSON.stringify(entry.version)}`;
  const odd = ['last_inference', 'inference_count', 'execution_count'].find((key) => !Number.isInteger(entry[key]));
  if (odd !== undefined) return `${odd} is ${JSON.stringify(entry[odd])}`;
  const broken = durations.find((key) => !isDuration(entry.inference_stats?.[key]));
  if (broken !== undefined) return `inference_stats.${broken} is ${JSON.stringify(entry.inference_stats?.[broken])}`;
  const isListed = Array.isArray(entry.batch_stats) && Array.isArray(entry.memory_usage) && typeof entry.response_stats === 'object';
  if (!isListed) return 'batch_stats, memory_usage or response_stats is missing';
  const batch = entry.batch_stats.find((one) => !Number.isInteger(one.batch_size) || !batchDurations.every((key) => isDuration(one[key])));
  return batch === undefined ? undefined : `an entry of batch_stats is ${JSON.stringify(batch)}`;
}

const batchDurations = ['compute_input', 'compute_infer', 'compute_output'];

function isDuration(value) {
  return Number.isInteger(value?.count) && Number.isInteger(value?.ns) && value.count >= 0 && value.ns >= 0;
}
