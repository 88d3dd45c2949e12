import { quote } from './compare.mjs';
import { inferRequest, insideFault, readInferAnswer, refusalFault, send } from './rest.mjs';
import { bytesOf, tensorOfBytes, typedContents } from './tensors.mjs';

/** The ways in which a prediction can be asked for and answered. */
export const transports = ['REST JSON', 'REST binary', 'gRPC typed', 'gRPC raw'];

/**
 * Sends a prediction to a deployment.
 * @param to {product, grpc, name, version?}
 * @returns {answer, outputs?, head?}; `outputs` (and the rest of the answer, `head`) are there when it succeeded
 */
export function predict(to, inputs, transport, options = {}) {
  return transport.startsWith('REST') ? predictByRest(to, inputs, transport, options) : predictByGrpc(to, inputs, transport, options);
}

async function predictByRest({ product, name, version }, inputs, transport, { headers = {}, timeoutMs }) {
  const { headers: own, body } = inferRequest(inputs, transport === 'REST JSON' ? 'json' : 'binary');
  const path = `/v2/models/${name}${version === undefined ? '' : `/versions/${version}`}/infer`;
  const given = await send(`${product.url}${path}`, { method: 'POST', headers: { ...own, ...headers }, body, timeoutMs });
  const answer = { kind: 'REST', ...given };
  if (answer.status !== 200) return { answer };
  requirePredictionId(answer.headers['slipway-prediction-id']);
  const { outputs, json } = readInferAnswer(answer);
  return { answer, outputs, head: json };
}

async function predictByGrpc({ grpc, name, version }, inputs, transport, { headers, timeoutMs }) {
  const isRaw = transport === 'gRPC raw';
  const request = {
    model_name: name,
    model_version: version ?? '',
    inputs: inputs.map((tensor) => ({ ...headOf(tensor), contents: isRaw ? undefined : (typedContents(tensor) ?? misfit(tensor)) })),
    raw_input_contents: isRaw ? inputs.map(bytesOf) : [],
  };
  const answer = await grpc.call('ModelInfer', request, { metadata: headers, timeoutMs });
  if (answer.code !== 'OK') return { answer };
  requirePredictionId(answer.metadata['slipway-prediction-id']);
  return { answer, outputs: readInferResponse(answer.response), head: answer.response };
}

function headOf({ name, datatype, shape }) {
  return { name, datatype, shape: shape.map(String) };
}

/** FP16 has no list of its own; what a caller who does not know that would send. */
function misfit({ values }) {
  return { fp32_contents: values };
}

/** The output tensors of a ModelInferResponse; answers are always raw. Throws an Error with a sentence when it is not what the protocol asks for. */
export function readInferResponse({ model_name: model, model_version: version, outputs, raw_output_contents: raw }) {
  if (!model || !version) throw new Error('model_name or model_version is empty');
  if (raw.length !== outputs.length) throw new Error(`${outputs.length} outputs come with ${raw.length} raw contents`);
  const mixed = outputs.find(({ contents }) => Object.values(contents ?? {}).some((list) => list.length > 0));
  if (mixed !== undefined) throw new Error(`output ${quote(mixed.name)} has typed contents beside the raw ones`);
  return outputs.map(({ name, datatype, shape }, index) => tensorOfBytes({ name, datatype, shape: shape.map(Number) }, raw[index]));
}

function requirePredictionId(id) {
  if (!/^prd_/.test(id ?? '')) throw new Error('the answer carries no prediction id');
}

/** An answer in a few words. */
export function describe(answer) {
  if (answer.kind === 'REST') return `status ${answer.status}: ${answer.body.toString('utf8', 0, 200)}`;
  return `${answer.code}: ${answer.details.slice(0, 200)}`;
}

/** The text for people in a refusal. */
export function reasonOf(answer) {
  return answer.kind === 'REST' ? answer.body.toString('utf8') : answer.details;
}

/** The HTTP status that stands for the same as a gRPC one, by the protocol page's table. */
const statusOfCode = {
  OK: 200,
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 422,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 413,
  CANCELLED: 499,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What is wrong with an answer that must be a refusal, whatever it came by; undefined when nothing is. `isWanted` takes an HTTP status. */
export function anyRefusalFault(answer, isWanted) {
  if (answer.kind === 'REST') return refusalFault(answer, isWanted);
  const status = statusOfCode[answer.code] ?? 500;
  if (!(isWanted ?? ((code) => code >= 400 && code < 500))(status)) return describe(answer);
  return answer.details === '' ? `${answer.code} without a text` : insideFault(answer.details);
}
