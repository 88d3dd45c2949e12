import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { parseExact } from './exact-json.mjs';
import { Wire } from './grpc-wire.mjs';
import { decode, encode } from './protobuf.mjs';
import { readInferAnswer, refusalFault, send } from './rest.mjs';
import { attempt, judge } from './tally.mjs';
import { tensorOfCase, typedContents } from './tensors.mjs';
import { anyRefusalFault, describe } from './transports.mjs';

const byRest = 'hostile: requests by REST';
const byGrpc = 'hostile: requests by gRPC';
/** Texts that a runtime may or may not carry: refused, or given back unchanged. */
const mayPass = new Set(['bytes_with_nul', 'lone_surrogate']);
/** Datatypes of the bad requests that a model which gives back what it takes has; the model is fitted to the request, not the reverse. */
const fitted = ['FP32', 'INT8', 'INT32'];

/**
 * Sends each bad request to models that have an INPUT0. Where nothing but the one fault of a request should be what is refused, it also
 * goes to a model of its datatype, with that model's names. What a typed message can hold of them goes by gRPC as well.
 */
export async function checkRequests(shelf, material) {
  const requests = parseExact(readFileSync(join(material.folder, 'hostile', 'requests', 'bad_requests.json'), 'utf8'));
  const wire = new Wire(shelf.product.ports.grpc);
  try {
    for (const [name, request] of Object.entries(requests)) {
      const target = request.inputs?.[0]?.datatype === 'BYTES' ? 'simple_identity' : 'onnx_float32_float32_float32';
      await attempt(byRest, name, () => requestFault(shelf, target, name, textOf(request)));
      await checkMessage(wire, target, name, request);
    }
    for (const datatype of fitted) await checkFitted(shelf, material, requests, datatype, wire);
  } finally {
    wire.close();
  }
}

async function requestFault(shelf, target, name, body) {
  const answer = await send(`${shelf.product.url}/v2/models/${target}/infer`, { method: 'POST', body });
  if (answer.status !== 200 || !mayPass.has(name)) return refusalFault(answer);
  const sent = JSON.parse(body).inputs.map((tensor) => tensorOfCase({ ...tensor, name: 'OUTPUT0' }));
  return difference(sent, readInferAnswer(answer).outputs);
}

async function checkMessage(wire, target, name, request, label = name) {
  const message = messageOf(target, request);
  if (message === undefined) return;
  await attempt(byGrpc, label, async () => {
    const answer = { kind: 'gRPC', ...(await wire.call('/inference.GRPCInferenceService/ModelInfer', [encode('ModelInferRequest', message)])) };
    if (answer.code !== 'OK' || !mayPass.has(name)) return anyRefusalFault(answer);
    const [given] = decode('ModelInferResponse', answer.messages[0]).raw_output_contents;
    const [sent] = message.inputs[0].contents.bytes_contents;
    return given?.subarray(4).equals(sent) ? undefined : 'other bytes came back than were sent';
  });
}

/** A bad request as a typed message; undefined where none can hold its fault (a text for a number, a broken shape). */
function messageOf(target, { inputs, outputs }) {
  if (inputs !== undefined && !Array.isArray(inputs)) return undefined;
  const contents = (inputs ?? []).map(contentsOf);
  if (contents.includes(undefined) || (inputs ?? []).some(({ shape }) => shape.some((size) => !Number.isInteger(Number(size))))) return undefined;
  return {
    model_name: target,
    inputs: (inputs ?? []).map(({ name, datatype, shape }, index) => ({ name, datatype, shape: shape.map(BigInt), contents: contents[index] })),
    outputs: outputs?.map(({ name }) => ({ name })),
  };
}

function contentsOf({ datatype, data }) {
  const values = data.flat(Number.POSITIVE_INFINITY);
  if (datatype === 'BYTES') return { bytes_contents: values.map(bytesOfText) };
  if (!values.every((value) => typeof value === 'number')) return undefined;
  if (/INT/.test(datatype)) return values.every(Number.isInteger) ? typedContents({ datatype, values }) : undefined;
  return { fp32_contents: values };
}

/** UTF-8, also of half a surrogate pair, for which there is none that is valid. */
function bytesOfText(text) {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8');
  return Buffer.concat([...text].map((letter) => (letter.isWellFormed() ? Buffer.from(letter, 'utf8') : threeBytes(letter.charCodeAt(0)))));
}

function threeBytes(unit) {
  return Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)]);
}

/** The requests of a datatype against `identity_<datatype>`, whose input is X and whose output is Y, both of any two dimensions. */
async function checkFitted(shelf, material, requests, datatype, wire) {
  const file = `dtypes/identity_${datatype.toLowerCase()}.onnx`;
  const name = `requests-${datatype.toLowerCase()}`;
  try {
    await shelf.serving(name, readFileSync(join(material.folder, file)), async () => {
      const good = { inputs: [{ name: 'X', shape: [1, 1], datatype, data: [1] }], outputs: [{ name: 'Y' }] };
      const { status } = await send(`${shelf.product.url}/v2/models/${name}/infer`, { method: 'POST', body: JSON.stringify(good) });
      judge(byRest, `${datatype}: a good request`, status === 200 ? undefined : `status ${status}`);
      const message = encode('ModelInferRequest', messageOf(name, good));
      const { code, details } = await wire.call('/inference.GRPCInferenceService/ModelInfer', [message]);
      judge(byGrpc, `${datatype}: a good request`, code === 'OK' ? undefined : describe({ kind: 'gRPC', code, details }));
      for (const [label, request] of Object.entries(requests)) {
        if (!fits(request, datatype)) continue;
        const body = textOf(request).replaceAll('"INPUT0"', '"X"').replaceAll('"OUTPUT0"', '"Y"');
        await attempt(byRest, `${datatype}: ${label}`, () => requestFault(shelf, name, label, body));
        await checkMessage(wire, name, label, parseExact(body), `${datatype}: ${label}`);
      }
    });
  } catch (error) {
    judge(byRest, file, error.message);
  }
}

/** A request without a datatype of ours goes to the floats; so does one whose fault is the datatype itself. */
function fits(request, datatype) {
  const given = Array.isArray(request.inputs) ? request.inputs[0].datatype : 'none';
  return given === datatype || (datatype === 'FP32' && !fitted.includes(given) && given !== 'BYTES');
}

/** Integers beyond 2^53 are kept; `__proto__` is an ordinary key of what JSON.parse makes, and is written as one. */
function textOf(request) {
  return JSON.stringify(request, (_key, value) => (typeof value === 'bigint' ? `bigint:${value}` : value)).replace(/"bigint:(-?\d+)"/g, '$1');
}
