import { connect } from 'node:net';
import { difference } from './compare.mjs';
import { codes, framed, Wire } from './grpc-wire.mjs';
import { Health } from './health.mjs';
import { decode, encode, fieldBytes } from './protobuf.mjs';
import { service } from './protocol-messages.mjs';
import { descriptorsByReflection, listServices, numbersFault } from './reflection.mjs';
import { attempt } from './tally.mjs';
import { bytesOf } from './tensors.mjs';
import { anyRefusalFault, describe, readInferResponse } from './transports.mjs';

const answers = 'rows: gRPC answers';
const refusals = 'rows: gRPC refusals';
const floods = 'rows: gRPC floods';
const inferPath = `/${service}/ModelInfer`;

const floats = (name, values, shape = [1, values.length]) => ({ name, datatype: 'FP32', shape, values });
const X = floats('X', [1, 2, 3]);
const Y = { ...X, name: 'Y' };
const head = ({ name, datatype, shape }) => ({ name, datatype, shape });
const raw = (tensor = X, more = {}) => ({ model_name: 'rows-fp32', inputs: [head(tensor)], raw_input_contents: [bytesOf(tensor)], ...more });
const typed = (contents, tensor = X, model = 'rows-fp32') => ({ model_name: model, inputs: [{ ...head(tensor), contents }] });

/** Sends what the page and the list of hostile cases name of gRPC, beyond captures and bad requests. */
export async function checkGrpcRows(shelf) {
  const rows = new GrpcRows(shelf);
  try {
    await checkAnswers(rows, shelf);
    await checkStream(shelf);
    await checkNumbers(rows);
    await checkRefusals(rows);
    await checkAccess(rows, shelf);
    await checkBroken(rows);
    await checkFloods(rows);
  } finally {
    rows.wire.close();
  }
}

class GrpcRows {
  constructor(shelf) {
    this.port = shelf.product.ports.grpc;
    this.wire = new Wire(this.port);
  }

  async infer(message, options) {
    return this.call(inferPath, encode('ModelInferRequest', message), options);
  }

  async call(path, message, options) {
    return { kind: 'gRPC', ...(await this.wire.call(path, [message], options)) };
  }

  refused(label, message, wanted = ['INVALID_ARGUMENT'], options = undefined) {
    return attempt(refusals, label, async () => codeFault(await this.infer(message, options), wanted));
  }
}

function codeFault(answer, wanted) {
  if (!wanted.includes(answer.code)) return describe(answer);
  return anyRefusalFault(answer, () => true);
}

function echoFault(answer, wanted = Y) {
  if (answer.code !== 'OK') return describe(answer);
  return difference([wanted], readInferResponse(decode('ModelInferResponse', answer.messages[0])));
}

async function checkAnswers(rows, shelf) {
  await attempt(answers, 'typed contents in, raw contents out', async () => echoFault(await rows.infer(typed({ fp32_contents: [1, 2, 3] }))));
  await attempt(answers, 'numbers one by one instead of packed', async () => {
    const loose = Buffer.concat([1, 2, 3].map((value) => Buffer.concat([Buffer.from([0x35]), Buffer.from(Float32Array.of(value).buffer)])));
    const input = Buffer.concat([fieldBytes(1, 'X'), fieldBytes(2, 'FP32'), fieldBytes(3, 1), fieldBytes(3, 3), fieldBytes(5, loose)]);
    return echoFault(await rows.call(inferPath, Buffer.concat([fieldBytes(1, 'rows-fp32'), fieldBytes(5, input)])));
  });
  await attempt(answers, 'unknown fields are passed over', async () => {
    const unknown = Buffer.concat([fieldBytes(900, 'later'), fieldBytes(901, 7)]);
    return echoFault(await rows.call(inferPath, Buffer.concat([unknown, encode('ModelInferRequest', raw())])));
  });
  await attempt(answers, 'gzip', async () => echoFault(await rows.infer(raw(), { encoding: 'gzip' })));
  await attempt(answers, 'an id comes back, the version is a text', async () => {
    const answer = await rows.infer(raw(X, { id: 'ä-7' }));
    if (answer.code !== 'OK') return describe(answer);
    const { id, model_version: version } = decode('ModelInferResponse', answer.messages[0]);
    return id === 'ä-7' && version === '1' ? undefined : `id ${id}, version ${version}`;
  });
  await attempt(answers, 'a prediction id in the metadata', async () => {
    const { headers } = await rows.infer(raw());
    return /^prd_/.test(headers['slipway-prediction-id'] ?? '') ? undefined : 'there is none';
  });
  await attempt(answers, 'a message of 12 MB, beyond the default limit of the library', async () => {
    const big = floats('X', new Float32Array(3_000_000).fill(0.5));
    const { answer, outputs } = await shelf.infer('rows-fp32', [big], 'gRPC raw');
    if (outputs === undefined) return describe(answer);
    return outputs[0].bytes.equals(bytesOf(big)) ? undefined : 'other bytes came back';
  });
  await attempt(answers, 'classification', async () => {
    const outputs = [{ name: 'Y', parameters: { classification: { int64_param: 2n } } }];
    const answer = await rows.infer(raw(X, { outputs }));
    if (answer.code !== 'OK') return describe(answer);
    const [classes] = readInferResponse(decode('ModelInferResponse', answer.messages[0]));
    const pairs = classes.values.map((text) => text.split(':').map(Number).join(':')).join(' ');
    return classes.datatype === 'BYTES' && String(classes.shape) === '1,2' && pairs === '3:2 2:1' ? undefined : JSON.stringify(classes.values);
  });
  await attempt(answers, 'grpc.health.v1 by the name of the service', async () => {
    const health = new Health(rows.port);
    try {
      return await health.fault(10_000);
    } finally {
      health.close();
    }
  });
  await attempt(answers, 'grpc.health.v1 of a service that is not there', async () => {
    const answer = await rows.call('/grpc.health.v1.Health/Check', fieldBytes(1, 'nobody'));
    return answer.code === 'NOT_FOUND' ? undefined : describe(answer);
  });
  await attempt(answers, 'shared memory: none is registered', async () => {
    const answer = await rows.call(`/${service}/SystemSharedMemoryStatus`, Buffer.alloc(0));
    if (answer.code === 'UNIMPLEMENTED') return undefined;
    return answer.code === 'OK' && answer.messages[0].length === 0 ? undefined : describe(answer);
  });
}

/** One request after another on one stream; a bad one is an error message and not the end. */
async function checkStream(shelf) {
  const request = (values) => ({ ...raw(floats('X', values)), inputs: [{ ...head(X), shape: ['1', '3'] }] });
  await attempt(answers, 'a stream of 300 requests, answered one by one', async () => {
    const { code, details, responses } = await shelf.grpc.stream(
      'ModelStreamInfer',
      Array.from({ length: 300 }, (_, index) => ({ ...request([index, 0, 0]), id: String(index) })),
    );
    if (code !== 'OK') return `${code}: ${details}`;
    if (responses.length !== 300) return `${responses.length} answers`;
    const wrong = responses.find(({ error_message: error, infer_response: answer }) => error !== '' || firstOf(answer) !== Number(answer.id));
    return wrong === undefined ? undefined : `an answer is ${JSON.stringify(wrong).slice(0, 200)}`;
  });
  await attempt(answers, 'a bad request on a stream does not end it', async () => {
    const bad = { ...request([1, 2, 3]), model_name: 'nobody' };
    const { code, details, responses } = await shelf.grpc.stream('ModelStreamInfer', [request([1, 2, 3]), bad, request([4, 5, 6])]);
    if (code !== 'OK') return `${code}: ${details}`;
    const errors = responses.filter(({ error_message: error }) => error !== '');
    return responses.length === 3 && errors.length === 1 && /nobody/.test(errors[0].error_message)
      ? undefined
      : JSON.stringify(responses).slice(0, 200);
  });
  await attempt(answers, 'the last answer of a stream is marked where that is asked for', async () => {
    const asked = { ...request([1, 2, 3]), parameters: { triton_enable_empty_final_response: { bool_param: true } } };
    const { code, details, responses } = await shelf.grpc.stream('ModelStreamInfer', [asked]);
    if (code !== 'OK') return `${code}: ${details}`;
    const marked = responses.at(-1)?.infer_response?.parameters?.triton_final_response?.bool_param;
    return marked === true ? undefined : `the last answer is ${JSON.stringify(responses.at(-1)).slice(0, 200)}`;
  });
}

function firstOf(answer) {
  return readInferResponse(answer)[0].values[0];
}

/** What the server says of itself by reflection has the numbers of the page. */
async function checkNumbers(rows) {
  for (const version of ['v1', 'v1alpha']) {
    await attempt(answers, `reflection ${version} lists the services`, async () => {
      const services = await listServices(rows.wire, version);
      const missing = [service, 'grpc.health.v1.Health'].find((name) => !services.includes(name));
      return missing === undefined ? undefined : `${missing} is not among ${services.join(', ')}`;
    });
  }
  await attempt(answers, 'the messages have the numbers of the page', async () => numbersFault(await descriptorsByReflection(rows.wire, service)));
}

async function checkRefusals(rows) {
  const other = floats('Z', [1]);
  await rows.refused('G-04 fewer raw contents than inputs', { ...raw(), inputs: [head(X), head(other)] });
  await rows.refused('G-04 more raw contents than inputs', { ...raw(), raw_input_contents: [bytesOf(X), bytesOf(X)] });
  await rows.refused('G-05 raw and typed contents at once', { ...typed({ fp32_contents: [1, 2, 3] }), raw_input_contents: [bytesOf(X)] });
  await rows.refused('G-06 raw contents too short', { ...raw(), raw_input_contents: [bytesOf(X).subarray(4)] });
  await rows.refused('G-06 raw contents too long', { ...raw(), raw_input_contents: [Buffer.concat([bytesOf(X), bytesOf(X)])] });
  await rows.refused('G-07 a negative shape', { ...raw(), inputs: [{ ...head(X), shape: [1, -3] }] });
  await rows.refused('G-07 a shape of 2^64 elements', {
    ...raw(),
    inputs: [{ ...head(X), shape: [2n ** 62n, 4] }],
    raw_input_contents: [Buffer.alloc(0)],
  });
  await rows.refused('G-08 integers for floats', typed({ int_contents: [1, 2, 3] }));
  await rows.refused('G-08 two lists for one input', typed({ fp32_contents: [1, 2, 3], int_contents: [1] }));
  await rows.refused('typed contents too few', typed({ fp32_contents: [1, 2] }));
  await rows.refused('no contents', { model_name: 'rows-fp32', inputs: [head(X)] });
  await rows.refused('INT8 300', typed({ int_contents: [300] }, { name: 'X', datatype: 'INT8', shape: [1, 1] }, 'rows-int8'));
  await rows.refused('another datatype than the model takes', raw({ ...X, datatype: 'INT32' }));
  await rows.refused('an unknown datatype', raw({ ...X, datatype: 'FP8', bytes: bytesOf(X) }));
  await rows.refused('an unknown input', raw({ ...X, name: 'Z' }));
  await rows.refused('the same input twice', { ...raw(), inputs: [head(X), head(X)], raw_input_contents: [bytesOf(X), bytesOf(X)] });
  await rows.refused('an unknown output', raw(X, { outputs: [{ name: 'nothing' }] }));
  await rows.refused('no inputs', { model_name: 'rows-fp32' });
  await rows.refused('BOOL bytes beyond 1', {
    model_name: 'rows-bool',
    inputs: [{ name: 'X', datatype: 'BOOL', shape: [1, 1] }],
    raw_input_contents: [Buffer.from([2])],
  });
  await rows.refused('a text that is no UTF-8', {
    model_name: 'rows-bytes',
    inputs: [{ name: 'X', datatype: 'BYTES', shape: [1, 1], contents: { bytes_contents: [Buffer.from([0xff])] } }],
  });
  await rows.refused('a sequence', raw(X, { parameters: { sequence_id: { int64_param: 7n }, sequence_start: { bool_param: true } } }), [
    'INVALID_ARGUMENT',
    'UNIMPLEMENTED',
  ]);
  await rows.refused('shared memory', { ...raw(), inputs: [{ ...head(X), parameters: { shared_memory_region: { string_param: 'r' } } }] }, [
    'INVALID_ARGUMENT',
    'UNIMPLEMENTED',
  ]);
  await rows.refused('G-03 an unknown model', raw(X, { model_name: 'nobody' }), ['NOT_FOUND']);
  await rows.refused('an unknown version', raw(X, { model_version: '7' }), ['NOT_FOUND']);
  await rows.refused('a version that is no number', raw(X, { model_version: 'newest' }), ['INVALID_ARGUMENT', 'NOT_FOUND']);
  await rows.refused('no model', raw(X, { model_name: '' }), ['INVALID_ARGUMENT', 'NOT_FOUND']);
  await rows.refused('G-28 a model name of 10 KB', raw(X, { model_name: 'x'.repeat(10_240) }), ['INVALID_ARGUMENT', 'NOT_FOUND']);
  await rows.refused('G-28 a parameter of an unknown kind', raw(X, { parameters: { priority: {} } }));
  await rows.refused('G-19 a deadline that has passed', raw(), ['DEADLINE_EXCEEDED'], { metadata: { 'grpc-timeout': '1n' } });
  await attempt(refusals, 'G-01 an unknown method', async () =>
    codeFault(await rows.call(`/${service}/Nothing`, Buffer.alloc(0)), ['UNIMPLEMENTED']),
  );
  await attempt(refusals, 'G-01 an unknown service', async () =>
    codeFault(await rows.call('/nobody.Service/Nothing', Buffer.alloc(0)), ['UNIMPLEMENTED']),
  );
  const register = encode('SystemSharedMemoryRegisterRequest', { name: 'r', key: '/r', byte_size: 64 });
  await attempt(refusals, 'G-24 shared memory cannot be registered', async () =>
    codeFault(await rows.call(`/${service}/SystemSharedMemoryRegister`, register), ['UNIMPLEMENTED', 'PERMISSION_DENIED', 'UNAUTHENTICATED']),
  );
  await attempt(refusals, 'a repository by name', async () =>
    codeFault(await rows.call(`/${service}/RepositoryIndex`, encode('RepositoryIndexRequest', { repository_name: 'mine' })), ['UNIMPLEMENTED']),
  );
}

async function checkAccess(rows, shelf) {
  const unload = encode('RepositoryModelUnloadRequest', { model_name: 'rows-fp32' });
  const path = `/${service}/RepositoryModelUnload`;
  for (const [label, metadata] of Object.entries({
    'G-02 a wrong key': { authorization: 'Bearer slipway_wrong_wrong_wrong_wrong_wrong_wrong' },
    'G-02 no Bearer': { authorization: shelf.product.key },
  })) {
    await attempt(refusals, label, async () => codeFault(await rows.call(path, unload, { metadata }), ['UNAUTHENTICATED']));
  }
  await attempt(refusals, 'nothing was unloaded', () => shelf.readyFault('rows-fp32', true));
  await attempt(refusals, 'G-25 a foreign authority', async () => {
    const answer = await rows.infer(raw(), { metadata: { ':authority': 'evil.example' } });
    return answer.code === 'OK' ? 'it is answered' : undefined;
  });
  await attempt(refusals, 'G-26 broken base64 in binary metadata', async () =>
    codeFault(await rows.infer(raw(), { metadata: { 'x-trace-bin': '%%%not-base64%%%' } }), ['INVALID_ARGUMENT']),
  );
}

/** After each of these the same connection still answers. */
async function checkBroken(rows) {
  const whole = encode('ModelInferRequest', raw());
  const messages = {
    'G-09 a message that is cut': whole.subarray(0, whole.length - 5),
    'G-09 a length beyond the message': Buffer.from([0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    'G-09 a wire type that does not exist': Buffer.from([0x0f]),
    'G-09 a field number of 0': Buffer.from([0x02, 0x00]),
    'G-09 a number that does not end': Buffer.alloc(64, 0xff),
    'G-09 10,000 groups in each other': Buffer.alloc(10_000, 0x0b),
    'G-09 a name that is no UTF-8': Buffer.from([0x0a, 0x01, 0xff]),
  };
  const fine = async () => echoFault(await rows.infer(raw()));
  for (const [label, message] of Object.entries(messages)) {
    await attempt(refusals, label, async () => {
      const answer = await rows.call(inferPath, message);
      return codeFault(answer, ['INVALID_ARGUMENT', 'INTERNAL', 'NOT_FOUND']) ?? (await fine());
    });
  }
  await attempt(refusals, 'a message said to be compressed that is not', async () => {
    const frame = framed(whole);
    frame[0] = 1;
    const { code, details } = await rows.wire.call(inferPath, [], { frame, metadata: { 'grpc-encoding': 'gzip' } });
    return code === 'OK' ? 'it is answered' : ((await fine()) ?? (codes.includes(code) ? undefined : `${code}: ${details}`));
  });
  await attempt(refusals, 'a compression that is not spoken', async () => {
    const frame = framed(whole);
    frame[0] = 1;
    const answer = { kind: 'gRPC', ...(await rows.wire.call(inferPath, [], { frame, metadata: { 'grpc-encoding': 'snappy' } })) };
    return codeFault(answer, ['UNIMPLEMENTED']) ?? (await fine());
  });
  await attempt(refusals, 'a frame that ends too early', async () => {
    const { code } = await rows.wire.call(inferPath, [], { frame: framed(whole).subarray(0, 20) });
    return code === 'OK' ? 'it is answered' : await fine();
  });
  await attempt(refusals, 'two messages in a call of one', async () => {
    const { code } = await rows.wire.call(inferPath, [whole, whole]);
    return codes.includes(code) ? await fine() : `no status but ${code}`;
  });
  await attempt(refusals, 'a media type that is not gRPC', async () => {
    const answer = await rows.infer(raw(), { metadata: { 'content-type': 'application/json' } });
    return answer.code === 'OK' ? 'it is answered' : await fine();
  });
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = frameOf(4, 0, 0);

function frameOf(type, flags, stream, payload = Buffer.alloc(0)) {
  const start = Buffer.alloc(9);
  start.writeUIntBE(payload.length, 0, 3);
  start[3] = type;
  start[4] = flags;
  start.writeUInt32BE(stream, 5);
  return Buffer.concat([start, payload]);
}

/** Bytes that no client sends: the connection may end, the server and everybody else's connections must not. */
async function checkFloods(rows) {
  const many = (frame, count) => Buffer.concat(new Array(count).fill(frame));
  const window = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
  const cases = {
    'G-15 100,000 pings': many(frameOf(6, 0, 0, Buffer.alloc(8)), 100_000),
    'G-15 50,000 settings': many(settings, 50_000),
    'G-17 windows beyond their limit': many(frameOf(8, 0, 0, window), 10_000),
    'G-18 a header table that unpacks to 64 MB': headerBomb(),
    'frames of a kind that does not exist': many(frameOf(0xbb, 0xff, 1, Buffer.alloc(100)), 1_000),
    'rapid reset: 20,000 streams opened and reset': resets(20_000),
  };
  for (const [label, bytes] of Object.entries(cases)) {
    await attempt(floods, label, async () => {
      await pour(rows.port, Buffer.concat([preface, settings, bytes]), 5_000);
      return echoFault(await rows.infer(raw()));
    });
  }
  await attempt(floods, 'G-21 streams at once are capped', async () => {
    const { maxConcurrentStreams: cap } = rows.wire.session.remoteSettings;
    return cap > 0 && cap <= 10_000 ? undefined : `the cap is ${cap}`;
  });
  await attempt(floods, 'G-22 HTTP/1.1 on the gRPC port is closed within 5 s', async () => {
    const tookMs = await pour(rows.port, Buffer.from('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'), 8_000);
    return tookMs <= 5_000 ? undefined : 'it stays open';
  });
  await attempt(floods, 'G-22 bytes of TLS on the plain port are closed within 5 s', async () => {
    const hello = Buffer.concat([Buffer.from('16030100f1010000ed0303', 'hex'), Buffer.alloc(240, 7)]);
    const tookMs = await pour(rows.port, hello, 8_000);
    return tookMs <= 5_000 ? undefined : 'it stays open';
  });
}

/** Writes bytes, reads nothing of value; resolves with the ms until the server closed, at the latest after `withinMs`. */
function pour(port, bytes, withinMs) {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(performance.now() - startedAt);
    };
    const timer = setTimeout(done, withinMs);
    socket.on('data', () => {});
    socket.on('error', done);
    socket.on('close', done);
  });
}

/** A header of 4 KB put into the table once and named 16,000 times. */
function headerBomb() {
  const value = Buffer.alloc(4_000, 0x61);
  const entry = Buffer.concat([Buffer.from([0x40, 0x01, 0x78]), hpackLength(value.length), value]);
  const names = Buffer.alloc(16_000, 0xbe);
  const block = Buffer.concat([Buffer.from([0x83, 0x86, 0x84]), entry]);
  const first = frameOf(1, 0, 1, block);
  const rest = [];
  for (let at = 0; at < names.length; at += 8_000) rest.push(frameOf(9, at + 8_000 >= names.length ? 4 : 0, 1, names.subarray(at, at + 8_000)));
  return Buffer.concat([first, ...rest]);
}

/** A length of HPACK: seven bits, then varint. */
function hpackLength(length) {
  const bytes = [0x7f];
  for (let rest = length - 0x7f; ; rest >>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function resets(count) {
  const block = Buffer.from([0x83, 0x86, 0x84, 0x41, 0x01, 0x61]);
  const cancel = Buffer.from([0, 0, 0, 8]);
  const frames = Array.from({ length: count }, (_, index) => [frameOf(1, 4, index * 2 + 1, block), frameOf(3, 0, index * 2 + 1, cancel)]);
  return Buffer.concat(frames.flat());
}
