import { difference } from './compare.mjs';
import { Wire } from './grpc-wire.mjs';
import { decode, encode } from './protobuf.mjs';
import { send } from './rest.mjs';
import { attempt } from './tally.mjs';
import { readTextMessage } from './text-message.mjs';
import { anyRefusalFault, describe, readInferResponse } from './transports.mjs';

const figure = 'captures: gRPC';

/** Sends a recorded message unchanged: the bytes that its text stands for, with the recorded metadata. */
export async function checkGrpcCapture(shelf, name, text) {
  const { path, metadata, message } = readCapture(text);
  const encoding = name.endsWith('_gzip') ? 'gzip' : undefined;
  await attempt(figure, name, async () => {
    const wire = new Wire(shelf.product.ports.grpc);
    try {
      const answer = { kind: 'gRPC', ...(await wire.call(path, [message], { metadata, encoding })) };
      if (!/_(?:un)?load/.test(name)) return await captureFault(shelf, name, path, answer);
      return answer.code === 'OK' ? await shelf.readyFault('simple', name !== 'grpc_unload') : describe(answer);
    } finally {
      wire.close();
    }
  });
}

/** The first line is the call, the second its metadata as Python prints it, the rest the message in protobuf's text form. */
function readCapture(text) {
  const [first, second, ...rest] = text.split('\n');
  const path = first.match(/^#### gRPC (\/inference\.GRPCInferenceService\/(\w+))$/);
  if (path === null || !second.startsWith('metadata: ')) throw new Error('the capture is laid out in another way');
  const metadata = Object.fromEntries([...second.matchAll(/\('([^']*)', '([^']*)'\)/g)].map(([, name, value]) => [name, value]));
  const type = `${path[2]}Request`;
  return { path: path[1], metadata, message: encode(type, readTextMessage(type, rest.join('\n'))) };
}

async function captureFault(shelf, name, path, answer) {
  if (answer.code !== 'OK') return refusalFault(name, answer);
  const type = answer.headers['content-type'];
  if (!/^application\/grpc(\+proto)?$/.test(type)) return `content-type is ${type}`;
  if (answer.messages.length !== 1) return `${answer.messages.length} messages came back`;
  const [, method] = path.split('/').slice(1);
  const given = decode(`${method}Response`, answer.messages[0]);
  return (await expected[method](shelf, given, name)) ?? undefined;
}

function refusalFault(name, answer) {
  const words = { grpc_infer_bytes: /U\+0000|NUL\b/, grpc_infer_sequence: /sequence/i }[name];
  if (words === undefined) return describe(answer);
  return anyRefusalFault(answer, (status) => status === 400 || status === 501) ?? (words.test(answer.details) ? undefined : describe(answer));
}

/** What each call has to answer: as it was made, or what REST says of the same. */
const expected = {
  ServerLive: async (_shelf, { live }) => (live === true ? undefined : 'not live'),
  ServerReady: async (_shelf, { ready }) => (ready === true ? undefined : 'not ready'),
  ModelReady: async (_shelf, { ready }) => (ready === true ? undefined : 'not ready'),
  ServerMetadata: async (shelf, given) => sameAsRest(await rest(shelf, 'GET', '/v2'), given),
  ModelMetadata: async (shelf, given) => sameAsRest(await rest(shelf, 'GET', '/v2/models/simple'), given),
  ModelConfig: async (shelf, { config }) => configFault(await rest(shelf, 'GET', '/v2/models/simple/config'), config),
  ModelStatistics: async (shelf, given) => statisticsFault(await rest(shelf, 'GET', '/v2/models/simple/stats'), given),
  RepositoryIndex: async (shelf, { models }) => indexFault(await rest(shelf, 'POST', '/v2/repository/index'), models),
  ModelInfer: async (_shelf, given, name) => inferFault(given, name),
};

async function rest(shelf, method, path) {
  const { body } = await send(`${shelf.product.url}${path}`, { method });
  return JSON.parse(body.toString('utf8'));
}

/** Every field that REST gives, with the same value; numbers of 64 bits are numbers there. */
function sameAsRest(wanted, given) {
  const plain = JSON.parse(JSON.stringify(given, (_key, value) => (typeof value === 'bigint' ? Number(value) : value)));
  const different = Object.keys(wanted).find((key) => JSON.stringify(sorted(wanted[key])) !== JSON.stringify(sorted(plain[key])));
  return different === undefined ? undefined : `${different} is ${JSON.stringify(plain[different])}, by REST ${JSON.stringify(wanted[different])}`;
}

function sorted(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return Array.isArray(value) ? value.map(sorted) : value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** `TYPE_…` of model_config.proto by number. */
const configTypes = [
  'INVALID',
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'STRING',
  'BF16',
];

function configFault(wanted, given) {
  if (given === undefined) return 'there is no configuration in the answer';
  const side = (tensors) =>
    tensors.map(({ name, data_type, dims }) => [
      name,
      typeof data_type === 'number' ? `TYPE_${configTypes[data_type]}` : data_type,
      dims.map(Number),
    ]);
  const facts = ({ name, platform, max_batch_size, input, output }) =>
    JSON.stringify([name, platform, max_batch_size ?? 0, side(input), side(output)]);
  return facts(wanted) === facts(given) ? undefined : `the configuration says ${facts(given)}, by REST ${facts(wanted)}`;
}

/** Between the two readings others may have asked; a counter never goes back. */
function statisticsFault(wanted, { model_stats: [given, ...more] }) {
  const [reference] = wanted.model_stats;
  if (given === undefined || more.length > 0 || given.name !== 'simple' || given.version !== reference.version) return 'not one entry for simple';
  const counts = { inference_count: given.inference_count, execution_count: given.execution_count, success: given.inference_stats?.success?.count };
  const references = { ...reference, success: reference.inference_stats.success.count };
  const odd = Object.keys(counts).find((key) => typeof counts[key] !== 'bigint' || Number(counts[key]) > references[key]);
  return odd === undefined ? undefined : `${odd} is ${counts[odd]}, later by REST ${references[odd]}`;
}

function indexFault(wanted, given) {
  const write = (models) =>
    models
      .map(({ name, version = '', state }) => `${name} ${version} ${state}`)
      .toSorted()
      .join(', ');
  return write(wanted) === write(given) ? undefined : `the index is ${write(given)}, by REST ${write(wanted)}`;
}

/** `simple` adds and subtracts; the others give back what they take. */
function inferFault(given, name) {
  if (name === 'grpc_infer' && given.id !== '42') return `id is ${given.id}, not 42`;
  const outputs = readInferResponse(given);
  if (name === 'grpc_infer_bytes' || name === 'grpc_infer_sequence') return outputs.length === 1 ? undefined : `${outputs.length} outputs`;
  const numbers = Array.from({ length: 16 }, (_, index) => index);
  const tensor = (output, values) => ({ name: output, datatype: 'INT32', shape: [1, 16], values });
  return difference(
    [
      tensor(
        'OUTPUT0',
        numbers.map((value) => value + 1),
      ),
      tensor(
        'OUTPUT1',
        numbers.map((value) => value - 1),
      ),
    ],
    outputs,
  );
}
