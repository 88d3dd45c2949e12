import { Agent, request } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';
import { root } from '../steps/command.mjs';
import { quote } from './compare.mjs';
import { parseExact } from './exact-json.mjs';
import { bytesOf, jsonOf, tensorOfBytes, valuesOfJson } from './tensors.mjs';

/** Idle connections are given up long before the server closes them: one that is closed while a request goes out would look like a fault. */
const agent = new Agent({ keepAlive: true, maxSockets: 32, timeout: 20_000 });

/** A request whose answer comes back as bytes, whatever it is. */
export function send(url, { method = 'GET', headers = {}, body, timeoutMs = 60_000 } = {}) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const sending = request(url, { method, agent, headers: { ...length, ...headers }, timeout: timeoutMs }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }));
    });
    sending.on('timeout', () => sending.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    sending.on('error', reject);
    sending.end(body);
  });
}

/** Announces a body, sends none of it and takes the answer: what is too large is refused by its length. */
export function announce(url, length) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': length, expect: '100-continue' };
    const sending = request(url, { method: 'POST', headers, timeout: 30_000 }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => {
        sending.destroy();
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) });
      });
    });
    sending.on('continue', () => sending.destroy(new Error('the server asks for the body')));
    sending.on('timeout', () => sending.destroy(new Error('no answer within 30 s')));
    sending.on('error', reject);
    sending.flushHeaders();
  });
}

/** The body and headers of a prediction; `form` is `json` or `binary` (the protocol's binary tensor extension, both ways). */
export function inferRequest(inputs, form) {
  if (form === 'json') {
    const entries = inputs.map((tensor) => entryOf(tensor, `"data":${jsonOf(tensor)}`));
    return { headers: { 'content-type': 'application/json' }, body: `{"inputs":[${entries.join(',')}]}` };
  }
  const tails = inputs.map(bytesOf);
  const entries = inputs.map((tensor, index) => entryOf(tensor, `"parameters":{"binary_data_size":${tails[index].length}}`));
  const head = Buffer.from(`{"inputs":[${entries.join(',')}],"parameters":{"binary_data_output":true}}`);
  const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) };
  return { headers, body: Buffer.concat([head, ...tails]) };
}

function entryOf({ name, shape, datatype }, rest) {
  return `{"name":${JSON.stringify(name)},"shape":[${shape}],"datatype":"${datatype}",${rest}}`;
}

/** Reads a successful answer. @returns {outputs, json}; throws an Error with a sentence when it is not what the protocol asks for */
export function readInferAnswer({ headers, body }) {
  const plain = expanded(headers['content-encoding'], body);
  const announced = headers['inference-header-content-length'];
  const headLength = announced === undefined ? plain.length : Number(announced);
  if (!(headLength > 0 && headLength <= plain.length)) throw new Error(`the inference header length is ${quote(announced)} of ${plain.length} bytes`);
  const json = parseExact(plain.toString('utf8', 0, headLength));
  let at = headLength;
  const outputs = json.outputs.map(({ name, datatype, shape, data, parameters }) => {
    const size = parameters?.binary_data_size;
    if ((size === undefined) === (data === undefined)) throw new Error(`output ${quote(name)} has not one of data and binary_data_size`);
    if (size === undefined) return { name, datatype, shape, values: valuesOfJson(datatype, data) };
    at += size;
    if (at > plain.length) throw new Error(`output ${quote(name)} ends behind the body`);
    return tensorOfBytes({ name, datatype, shape }, plain.subarray(at - size, at));
  });
  if (at !== plain.length) throw new Error(`${plain.length - at} bytes are left over`);
  const hasTails = json.outputs.some(({ parameters }) => parameters?.binary_data_size > 0);
  const wanted = hasTails ? 'application/octet-stream' : 'application/json';
  if (headers['content-type'] !== wanted) throw new Error(`the media type is ${quote(headers['content-type'])}, not ${wanted}`);
  if (typeof json.model_name !== 'string' || typeof json.model_version !== 'string') throw new Error('model_name or model_version is no text');
  return { outputs, json };
}

function expanded(encoding, body) {
  if (encoding === undefined) return body;
  if (encoding === 'gzip') return gunzipSync(body);
  if (encoding === 'deflate') return inflateSync(body);
  throw new Error(`the content encoding is ${quote(encoding)}`);
}

const isCallersFault = (status) => status >= 400 && status < 500;

/** What is wrong with an answer that must be a refusal in the protocol's shape; undefined when nothing is. */
export function refusalFault({ status, headers, body }, isWanted = isCallersFault) {
  if (!isWanted(status)) return `status ${status}: ${body.toString('utf8', 0, 160)}`;
  if (headers['content-type'] !== 'application/json') return `media type ${quote(headers['content-type'])}, not exactly application/json`;
  if (headers['content-encoding'] !== undefined) return 'the error is compressed';
  try {
    const { error } = JSON.parse(body.toString('utf8'));
    return typeof error === 'string' && error.length > 0 ? insideFault(error) : 'no text in "error"';
  } catch {
    return `not JSON: ${body.toString('utf8', 0, 80)}`;
  }
}

/** Paths, stacks and places in sources are nobody's business outside. */
export function insideFault(text) {
  const isInside =
    text.includes(root) || /node_modules|onnxruntime_src|\.(?:cc|h|[cm]?[jt]s):\d|^\s*at \w+ \(|(?:^|\s)\/(?:home|root|tmp|usr|var)\//m.test(text);
  return isInside ? `the text shows a path or a stack: ${text.slice(0, 160)}` : undefined;
}
