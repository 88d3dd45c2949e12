import { difference } from './compare.mjs';
import { classificationFault, configFault, statisticsFault } from './extension-answers.mjs';
import { exchange, parseMessage } from './raw-http.mjs';
import { readInferAnswer, refusalFault } from './rest.mjs';
import { attempt } from './tally.mjs';
import { describe } from './transports.mjs';

const figure = 'captures: HTTP';
const separator = '\n\n#### HTTP response\n';
const isAbsent = (status) => status === 404 || status === 501;

/** Where this product answers better than the recorded server, or has not what that one had; the protocol's page allows each. */
const otherAnswers = {
  http_infer_unknown_model: ({ answer }) => refusalFault(answer, (status) => status === 404),
  // Outside of the protocol's paths the console answers, with a page.
  http_base_path: ({ answer }) => (answer.status === 404 ? undefined : describe(answer)),
  http_infer_class_count: ({ answer }) => (answer.status === 200 ? classificationFault(readInferAnswer(answer).outputs) : describe(answer)),
  http_infer_sequence: ({ answer, recorded }) => (answer.status === 200 ? inferFault(recorded, answer) : sequenceFault(answer)),
  http_load_file_override: ({ answer }) => refusalFault(answer, (status) => status === 501),
  http_log_settings: ({ answer }) => settingsFault(answer),
  http_trace_settings: ({ answer }) => settingsFault(answer),
  http_shm_register: ({ answer }) => refusalFault(answer, isAbsent),
  http_model_config: ({ answer, recorded }) => headersFault(recorded, answer) ?? configFault(json(recorded), json(answer)),
  http_statistics_all: ({ answer, recorded }) => headersFault(recorded, answer) ?? statisticsFault(json(answer), 'simple'),
  http_statistics_one: ({ answer, recorded }) => headersFault(recorded, answer) ?? statisticsFault(json(answer), 'simple'),
};

/** Sends a recorded request unchanged. */
export async function checkHttpCapture(shelf, name, bytes) {
  const { request, recorded } = readCapture(bytes);
  await attempt(figure, name, async () => {
    const answer = await exchange(shelf.product.ports.api, request);
    const isControl = /_(?:un)?load/.test(name) && otherAnswers[name] === undefined;
    return isControl ? loadFault(shelf, name, request, recorded, answer) : captureFault(name, recorded, answer);
  });
}

function readCapture(bytes) {
  const at = bytes.indexOf(separator);
  const start = bytes.indexOf('\n') + 1;
  if (at === -1 || bytes.toString('latin1', 0, start) !== '#### HTTP request\n') throw new Error('the capture is laid out in another way');
  return { request: bytes.subarray(start, at), recorded: parseMessage(bytes.subarray(at + separator.length)) };
}

function captureFault(name, recorded, answer) {
  if (otherAnswers[name] !== undefined) return otherAnswers[name]({ answer, recorded });
  if (recorded.status >= 400) return refusalFault(answer, (given) => given === recorded.status);
  if (answer.status === 400 && holdsNul(recorded)) return refusalFault(answer) ?? nulFault(answer);
  const isInfer = recorded.body.includes('"outputs":[') || recorded.headers['content-encoding'] !== undefined;
  return headersFault(recorded, answer) ?? (isInfer ? inferFault(recorded, answer) : bodyFault(recorded, answer));
}

function headersFault(recorded, answer) {
  if (answer.status !== recorded.status) return describe(answer);
  for (const header of ['content-type', 'content-encoding']) {
    if (answer.headers[header] !== recorded.headers[header]) return `${header} is ${answer.headers[header]}, not ${recorded.headers[header]}`;
  }
  return undefined;
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
  const given = json(answer);
  if (recorded.body.length === 0) return given.live === true || given.ready === true ? undefined : 'neither live nor ready';
  const expected = json(recorded);
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
  const missing = ['simple', 'simple_identity', 'simple_sequence', 'simple_int8'].find(
    (name) => !entries.some((entry) => entry.name === name && entry.version === '1' && entry.state === 'READY'),
  );
  return missing === undefined ? undefined : `${missing} version 1 is not listed as ready`;
}

/** Both answer when it is done: what was loaded is ready, what was unloaded is not. */
async function loadFault(shelf, name, request, recorded, answer) {
  const fault = headersFault(recorded, answer);
  if (fault !== undefined) return fault;
  const model = request.toString('latin1').match(/\/models\/([^/]+)\//)[1];
  return shelf.readyFault(model, !name.includes('unload'));
}

function sequenceFault(answer) {
  return refusalFault(answer, (status) => status === 400 || status === 501) ?? (/sequence/i.test(answer.body) ? undefined : describe(answer));
}

/** The page allows an object and an absence. */
function settingsFault(answer) {
  if (answer.status !== 200) return refusalFault(answer, isAbsent);
  return answer.headers['content-type'] === 'application/json' && typeof json(answer) === 'object' ? undefined : describe(answer);
}

/** The runtime cuts texts at U+0000, so that a clear refusal is right where the recorded server answered. */
function holdsNul(recorded) {
  return recorded.body.includes('he\\u0000llo') || recorded.body.includes('he\0llo');
}

function nulFault(answer) {
  return /U\+0000|NUL\b/.test(answer.body.toString('utf8')) ? undefined : 'the refusal does not name U+0000';
}

function json({ body }) {
  return JSON.parse(body.toString('utf8'));
}
