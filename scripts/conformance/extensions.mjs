import { configFault, statisticsFault } from './extension-answers.mjs';
import { inferRequest, refusalFault, send } from './rest.mjs';
import { attempt } from './tally.mjs';
import { valuesOfJson } from './tensors.mjs';
import { describe, transports } from './transports.mjs';

const figure = 'rows: extensions';
const model = 'simple_identity';
const input = { name: 'INPUT0', datatype: 'BYTES', shape: [3, 16], values: valuesOfJson('BYTES', new Array(48).fill('x')) };

/** Metadata, configuration, statistics and repository as clients use them together. */
export async function checkExtensions(shelf) {
  const get = async (path, options) => ({ kind: 'REST', ...(await send(`${shelf.product.url}${path}`, options)) });
  const json = async (path, options) => {
    const answer = await get(path, options);
    if (answer.status !== 200) throw new Error(`${path}: ${describe(answer)}`);
    return JSON.parse(answer.body.toString('utf8'));
  };
  await attempt(figure, 'the server names itself and what it speaks', async () => {
    const { name, version, extensions } = await json('/v2');
    const missing = ['binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'parameters', 'statistics'].find(
      (extension) => !extensions.includes(extension),
    );
    if (missing !== undefined) return `"${missing}" is not among the extensions`;
    const surplus = ['sequence', 'system_shared_memory', 'cuda_shared_memory', 'trace'].find((extension) => extensions.includes(extension));
    if (surplus !== undefined) return `"${surplus}" is listed and not there`;
    return name === 'slipway' && typeof version === 'string' ? undefined : `name ${name}, version ${version}`;
  });
  await attempt(figure, 'statistics count what was asked between two readings', () => countingFault(shelf, json));
  await attempt(figure, 'statistics of an unknown model', async () => refusalFault(await get('/v2/models/nobody/stats'), (status) => status === 404));
  await attempt(figure, 'statistics of a version', async () => statisticsFault(await json(`/v2/models/${model}/versions/1/stats`), model));
  await attempt(figure, 'configuration and metadata agree on every model', () => agreementFault(json));
  await attempt(figure, 'configuration of an unknown model', async () =>
    refusalFault(await get('/v2/models/nobody/config'), (status) => status === 404),
  );
  await attempt(figure, 'configuration of a version', async () => {
    const { name, platform, max_batch_size: size, input: inputs, output: outputs } = await json(`/v2/models/${model}/config`);
    return configFault(
      { name, platform, input: unbatched(inputs, size), output: unbatched(outputs, size) },
      await json(`/v2/models/${model}/versions/1/config`),
    );
  });
  await checkRepository(shelf, get, json);
}

/** As a configuration without batches would have it. */
function unbatched(tensors, size) {
  return size > 0 ? tensors : tensors.map((tensor) => ({ ...tensor, dims: tensor.dims.slice(1) }));
}

/** perf_analyzer subtracts two readings. Four requests of three rows, one of them wrong beside them. */
async function countingFault(shelf, json) {
  const read = async () => (await json(`/v2/models/${model}/stats`)).model_stats[0];
  const before = await read();
  for (const transport of transports) {
    const { answer, outputs } = await shelf.infer(model, [input], transport);
    if (outputs === undefined) return describe(answer);
  }
  await shelf.infer(model, [{ ...input, name: 'WRONG' }], 'REST JSON');
  const after = await shelf.until('the statistics to count', async () => {
    const reading = await read();
    return reading.inference_stats.success.count - before.inference_stats.success.count >= transports.length ? reading : undefined;
  });
  const fault = statisticsFault({ model_stats: [after] }, model);
  if (fault !== undefined) return fault;
  const grown = (pick) => pick(after) - pick(before);
  const figures = {
    'success.count': [grown((entry) => entry.inference_stats.success.count), 4],
    inference_count: [grown((entry) => entry.inference_count), 12],
    'fail.count': [grown((entry) => entry.inference_stats.fail.count), 1],
  };
  const odd = Object.entries(figures).find(([, [given, wanted]]) => given !== wanted);
  if (odd !== undefined) return `${odd[0]} grew by ${odd[1][0]}, not ${odd[1][1]}`;
  const runs = grown((entry) => entry.execution_count);
  if (runs < 1 || runs > 4) return `execution_count grew by ${runs}`;
  const still = ['success', 'queue', 'compute_input', 'compute_infer', 'compute_output'].find(
    (key) => grown((entry) => entry.inference_stats[key].ns) < (key === 'success' || key === 'compute_infer' ? 1 : 0),
  );
  return still === undefined ? undefined : `inference_stats.${still}.ns did not grow`;
}

/** Every tensor of a configuration is in the metadata; with batches the first dimension is the batch and not among the dims. */
async function agreementFault(json) {
  const index = await json('/v2/repository/index', { method: 'POST' });
  for (const name of new Set(index.filter(({ state }) => state === 'READY').map((entry) => entry.name))) {
    const [metadata, config] = [await json(`/v2/models/${name}`), await json(`/v2/models/${name}/config`)];
    for (const [plural, singular] of [
      ['inputs', 'input'],
      ['outputs', 'output'],
    ]) {
      const wanted = metadata[plural].map((tensor) => `${tensor.name} ${config.max_batch_size > 0 ? tensor.shape.slice(1) : tensor.shape}`);
      const given = config[singular].map((tensor) => `${tensor.name} ${tensor.dims}`);
      if (String(wanted) !== String(given)) return `${name}: ${singular} is ${given}, the metadata says ${wanted}`;
    }
  }
  return undefined;
}

async function checkRepository(shelf, get, json) {
  const headers = { authorization: shelf.authorization };
  const control = (what, body) => get(`/v2/repository/models/${model}/${what}`, { method: 'POST', body, headers });
  const stateOf = async () => (await json('/v2/repository/index', { method: 'POST' })).find(({ name }) => name === model)?.state;
  await attempt(figure, 'the index of what is ready', async () => {
    const entries = await json('/v2/repository/index', { method: 'POST', body: '{"ready":true}' });
    return entries.length > 0 && entries.every(({ state }) => state === 'READY') ? undefined : JSON.stringify(entries).slice(0, 200);
  });
  await attempt(figure, 'unload suspends: not ready, refused, listed as unavailable', async () => {
    const answer = await control('unload', '{}');
    if (answer.status !== 200) return describe(answer);
    const { body, headers: own } = inferRequest([input], 'json');
    const refused = await get(`/v2/models/${model}/infer`, { method: 'POST', body, headers: own });
    const state = await stateOf();
    const fault = refusalFault(refused, (status) => status === 503 || status === 404);
    if (fault !== undefined) return fault;
    return state === 'UNAVAILABLE' ? shelf.readyFault(model, false) : `the index says ${state}`;
  });
  await attempt(figure, 'load answers when it serves again', async () => {
    const answer = await control('load', '{}');
    if (answer.status !== 200) return describe(answer);
    const { answer: predicted, outputs } = await shelf.infer(model, [input], 'REST JSON');
    if (outputs === undefined) return describe(predicted);
    const state = await stateOf();
    return state === 'READY' ? shelf.readyFault(model, true) : `the index says ${state}`;
  });
  const elsewhere = { 'x-forwarded-for': '203.0.113.7', origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' };
  for (const [name, value] of Object.entries(elsewhere)) {
    await attempt(figure, `a change without a key that comes from elsewhere: ${name}`, async () => {
      const answer = await get(`/v2/repository/models/${model}/unload`, { method: 'POST', headers: { [name]: value } });
      return refusalFault(answer, (status) => status === 401 || status === 403) ?? shelf.readyFault(model, true);
    });
  }
  await attempt(figure, 'load with a configuration that is no JSON', async () =>
    refusalFault(await control('load', '{"parameters":{"config":"{"}}'), (status) => status === 400),
  );
  await attempt(figure, 'unload of an unknown model', async () =>
    refusalFault(await get('/v2/repository/models/nobody/unload', { method: 'POST', headers }), (status) => status === 400 || status === 404),
  );
  await attempt(figure, 'a model cannot be named "stats"', async () => {
    const { status } = await shelf.call('POST', '/v1/models', '{"name":"stats"}');
    return status === 400 || status === 422 ? undefined : `status ${status}`;
  });
}
