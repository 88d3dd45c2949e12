import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { readInferAnswer, refusalFault } from './rest.mjs';
import { judge, postpone } from './tally.mjs';

/** What is not built yet; such a request must still get a clean answer. */
const later = {
  http_infer_class_count: 'classification',
  http_infer_sequence: 'sequences',
  http_load: 'repository',
  http_load_config_override: 'repository',
  http_load_file_override: 'repository',
  http_log_settings: 'settings',
  http_model_config: 'configuration',
  http_shm_register: 'shared memory',
  http_statistics_all: 'statistics',
  http_statistics_one: 'statistics',
  http_trace_settings: 'settings',
  http_unload: 'repository',
  http_unload_dependents: 'repository',
};
/** Where this product answers better than the recorded server: unknown names are 404. */
const otherStatus = { http_infer_unknown_model: 404 };

const separator = '\n\n#### HTTP response\n';

/** Sends recorded requests of the Python client byte by byte to the models that they name, and compares with the recorded answers. */
export async function checkCaptures(shelf, material) {
  const folder = join(material.folder, 'captures');
  for (const file of readdirSync(folder).toSorted()) {
    const name = file.replace(/\.txt$/, '');
    if (name === file) continue;
    if (name.startsWith('grpc_')) postpone('captures', name, 'gRPC, not sent');
    else await checkCapture(shelf, name, readCapture(readFileSync(join(folder, file))));
  }
}

async function checkCapture(shelf, name, { request, recorded }) {
  try {
    const answer = await exchange(shelf.product.ports.api, request);
    const isLater = later[name] !== undefined;
    const fault = isLater
      ? refusalFault(answer, (status) => (status >= 400 && status < 500) || status === 501)
      : captureFault(name, recorded, answer);
    if (isLater && fault === undefined) postpone('captures', name, `${later[name]}, answered with ${answer.status}`);
    else judge('captures', name, fault);
  } catch (error) {
    judge('captures', name, error.message);
  }
}

function readCapture(bytes) {
  const at = bytes.indexOf(separator);
  const start = bytes.indexOf('\n') + 1;
  if (at === -1 || bytes.toString('latin1', 0, start) !== '#### HTTP request\n') throw new Error('the capture is laid out in another way');
  return { request: bytes.subarray(start, at), recorded: parseMessage(bytes.subarray(at + separator.length)) };
}

function captureFault(name, recorded, answer) {
  // Outside of the protocol's paths the console answers, with a page.
  if (name === 'http_base_path') return answer.status === 404 ? undefined : `status ${answer.status}, not 404`;
  const status = otherStatus[name] ?? recorded.status;
  if (status >= 400) return refusalFault(answer, (given) => given === status);
  if (answer.status === 400 && holdsNul(recorded)) return refusalFault(answer) ?? nulFault(answer);
  if (answer.status !== status) return `status ${answer.status}, not ${status}: ${answer.body.toString('utf8', 0, 160)}`;
  for (const header of ['content-type', 'content-encoding']) {
    if (answer.headers[header] !== recorded.headers[header]) return `${header} is ${answer.headers[header]}, not ${recorded.headers[header]}`;
  }
  const isInfer = recorded.body.includes('"outputs":[') || recorded.headers['content-encoding'] !== undefined;
  return isInfer ? inferFault(recorded, answer) : bodyFault(recorded, answer);
}

function inferFault(recorded, answer) {
  const [expected, given] = [readInferAnswer(recorded), readInferAnswer(answer)];
  const forms = ({ outputs }) => outputs.map(({ name, data }) => `${name} ${data === undefined ? 'binary' : 'json'}`).join(', ');
  if (forms(given.json) !== forms(expected.json)) return `outputs are ${forms(given.json)}, not ${forms(expected.json)}`;
  for (const field of ['id', 'model_name', 'model_version']) {
    if (given.json[field] !== expected.json[field]) return `${field} is ${given.json[field]}, not ${expected.json[field]}`;
  }
  return difference(expected.outputs, given.outputs);
}

/** Health answers were recorded without a body and carry JSON here; of the others, what was recorded must be there. */
function bodyFault(recorded, answer) {
  const given = JSON.parse(answer.body.toString('utf8'));
  if (recorded.body.length === 0) return given.live === true || given.ready === true ? undefined : 'neither live nor ready';
  const expected = JSON.parse(recorded.body.toString('utf8'));
  if (Array.isArray(expected)) return indexFault(given);
  if (expected.extensions !== undefined) {
    const isDescribed = typeof given.name === 'string' && typeof given.version === 'string' && given.extensions?.includes('binary_tensor_data');
    return isDescribed ? undefined : `the server says ${JSON.stringify(given)}`;
  }
  const different = Object.keys(expected).find((key) => JSON.stringify(given[key]) !== JSON.stringify(expected[key]));
  return different === undefined ? undefined : `${different} is ${JSON.stringify(given[different])}, not ${JSON.stringify(expected[different])}`;
}

/** The recorded server had other models; the ones that are served here must be listed as it lists them. */
function indexFault(entries) {
  const missing = ['simple', 'simple_identity'].find(
    (name) => !entries.some((entry) => entry.name === name && entry.version === '1' && entry.state === 'READY'),
  );
  return missing === undefined ? undefined : `${missing} version 1 is not listed as ready`;
}

/** The runtime cuts texts at U+0000, so that a clear refusal is right where the recorded server answered. */
function holdsNul(recorded) {
  return recorded.body.includes('he\\u0000llo') || recorded.body.includes('he\0llo');
}

function nulFault(answer) {
  return /U\+0000|NUL\b/.test(answer.body.toString('utf8')) ? undefined : 'the refusal does not name U+0000';
}

/** Writes bytes to the port and reads one answer: nothing between may add or change a header. */
function exchange(port, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    let received = Buffer.alloc(0);
    const look = (isOver) => {
      const message = parseMessage(received);
      if (message === undefined) return isOver ? reject(new Error('the connection ended before an answer')) : undefined;
      socket.destroy();
      resolve(message);
    };
    socket.setTimeout(30_000, () => socket.destroy(new Error('no answer within 30 s')));
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      look(false);
    });
    socket.on('end', () => look(true));
    socket.on('error', reject);
  });
}

/** Status, headers and body of an HTTP answer; undefined while it is not all there. A body in chunks is left as it came. */
function parseMessage(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const isChunked = headers['transfer-encoding'] === 'chunked';
  const length = isChunked ? bytes.length - end - 4 : Number(headers['content-length'] ?? 0);
  const body = bytes.subarray(end + 4, end + 4 + length);
  const isWhole = isChunked ? bytes.toString('latin1').endsWith('\r\n0\r\n\r\n') : body.length === length;
  return isWhole ? { status: Number(first.split(' ')[1]), headers, body } : undefined;
}
