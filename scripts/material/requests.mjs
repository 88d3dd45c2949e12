import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { parseExact } from './exact-json.mjs';
import { readInferAnswer, refusalFault, send } from './rest.mjs';
import { attempt, judge } from './tally.mjs';
import { tensorOfCase } from './tensors.mjs';

const group = 'requests';
/** Texts that a runtime may or may not carry: refused, or given back unchanged. */
const mayPass = new Set(['bytes_with_nul', 'lone_surrogate']);
/** Datatypes of the bad requests that a model which gives back what it takes has; the model is fitted to the request, not the reverse. */
const fitted = ['FP32', 'INT8', 'INT32'];

/**
 * Sends each bad request to models that have an INPUT0. Where nothing but the one fault of a request should be what is refused, it also
 * goes to a model of its datatype, with that model's names. What the Python client writes for awkward values is answered.
 */
export async function checkRequests(shelf, material) {
  const requests = parseExact(readFileSync(join(material.folder, 'hostile', 'requests', 'bad_requests.json'), 'utf8'));
  for (const [name, request] of Object.entries(requests)) {
    const target = request.inputs?.[0]?.datatype === 'BYTES' ? 'simple_identity' : 'onnx_float32_float32_float32';
    await attempt(group, name, () => requestFault(shelf, target, name, textOf(request)));
  }
  for (const datatype of fitted) await checkFitted(shelf, material, requests, datatype);
}

async function requestFault(shelf, target, name, body) {
  const answer = await send(`${shelf.product.url}/v2/models/${target}/infer`, { method: 'POST', body });
  if (answer.status !== 200 || !mayPass.has(name)) return refusalFault(answer);
  const sent = JSON.parse(body).inputs.map((tensor) => tensorOfCase({ ...tensor, name: 'OUTPUT0' }));
  return difference(sent, readInferAnswer(answer).outputs);
}

/** The requests of a datatype against `identity_<datatype>`, whose input is X and whose output is Y, both of any two dimensions. */
async function checkFitted(shelf, material, requests, datatype) {
  const file = `dtypes/identity_${datatype.toLowerCase()}.onnx`;
  const name = `requests-${datatype.toLowerCase()}`;
  try {
    await shelf.serving(name, readFileSync(join(material.folder, file)), async () => {
      const good = `{"inputs":[{"name":"X","shape":[1,1],"datatype":"${datatype}","data":[1]}],"outputs":[{"name":"Y"}]}`;
      const { status } = await send(`${shelf.product.url}/v2/models/${name}/infer`, { method: 'POST', body: good });
      judge(group, `${datatype}: a good request`, status === 200 ? undefined : `status ${status}`);
      for (const [label, request] of Object.entries(requests)) {
        if (!fits(request, datatype)) continue;
        const body = textOf(request).replaceAll('"INPUT0"', '"X"').replaceAll('"OUTPUT0"', '"Y"');
        await attempt(group, `${datatype}: ${label}`, () => requestFault(shelf, name, label, body));
      }
      if (datatype === 'FP32') await checkAwkward(shelf, material, name);
    });
  } catch (error) {
    judge(group, file, error.message);
  }
}

/** A request without a datatype of ours goes to the floats; so does one whose fault is the datatype itself. */
function fits(request, datatype) {
  const given = Array.isArray(request.inputs) ? request.inputs[0].datatype : 'none';
  return given === datatype || (datatype === 'FP32' && !fitted.includes(given) && given !== 'BYTES');
}

/** The Python client writes NaN and infinities bare. Its body has one dimension and the model two, which is all that is changed. */
async function checkAwkward(shelf, material, name) {
  const recorded = JSON.parse(readFileSync(join(material.folder, 'captures', 'http_client_encodings.json'), 'utf8'));
  const body = recorded.nan_inf_json.replace('"shape":[3]', '"shape":[1,3]');
  await attempt(group, 'nan_inf_json', async () => {
    const answer = await send(`${shelf.product.url}/v2/models/${name}/infer`, { method: 'POST', body });
    if (answer.status !== 200) return `status ${answer.status}: ${answer.body.toString('utf8', 0, 160)}`;
    const sent = parseExact(body).inputs.map((tensor) => tensorOfCase({ ...tensor, name: 'Y' }));
    return difference(sent, readInferAnswer(answer).outputs);
  });
}

/** Integers beyond 2^53 are kept; `__proto__` is an ordinary key of what JSON.parse makes, and is written as one. */
function textOf(request) {
  return JSON.stringify(request, (_key, value) => (typeof value === 'bigint' ? `bigint:${value}` : value)).replace(/"bigint:(-?\d+)"/g, '$1');
}
