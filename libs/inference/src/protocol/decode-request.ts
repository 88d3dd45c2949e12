import { type Signature, SlipwayError, type TensorSignature } from '@slipway/contracts';
import { checkInputs, listNames } from '../tensors/check-inputs.js';
import { datatypeFacts } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';
import { expandBody } from './expand-body.js';
import type { BodyLayout, InferRequest, RequestLimits, WantedOutput } from './infer-request.js';
import { readBinaryData } from './read-binary-data.js';
import { type Envelope, type EnvelopeInput, type Parameters, readEnvelope } from './read-envelope.js';
import { readJsonData } from './read-json-data.js';

/**
 * Reads the body of an Open Inference Protocol request over HTTP: JSON, JSON with binary tensors behind it, or the raw form.
 * Names, datatypes and shapes are checked against the signature before any data is read.
 * @throws SlipwayError INFER_INVALID, INFER_TOO_LARGE, ENCODING_UNSUPPORTED, FEATURE_UNSUPPORTED
 */
export function decodeRequest(body: Buffer, layout: BodyLayout, signature: Signature, limits: RequestLimits): InferRequest {
  const expanded = expandBody(body, layout.contentEncoding, limits.maxBodyBytes);
  const jsonBytes = layout.inferenceHeaderContentLength ?? expanded.length;
  if (jsonBytes > expanded.length) {
    throw invalid(`Inference-Header-Content-Length is ${jsonBytes}, but the body has only ${expanded.length} bytes`);
  }
  if (layout.inferenceHeaderContentLength === 0) return decodeRaw(expanded, signature);
  const envelope = readEnvelope(expanded.subarray(0, jsonBytes));
  refuseUnsupported(envelope);
  checkInputs(signature, envelope.inputs);
  const outputs = chooseOutputs(envelope, signature);
  const inputs = readInputs(envelope, expanded.subarray(jsonBytes), limits);
  return { ...(envelope.id === undefined ? {} : { id: envelope.id }), inputs, outputs };
}

function readInputs(envelope: Envelope, tail: Buffer, limits: RequestLimits): Tensor[] {
  let at = 0;
  let elements = 0;
  const inputs = envelope.inputs.map((input): Tensor => {
    const size = binarySize(input);
    if (size === undefined) {
      elements += elementCount(input.shape);
      return readFromJson(envelope, input, elements, limits);
    }
    if (at + size > tail.length) throw invalid(`input ${quote(input.name)}: expected ${size} bytes behind the JSON, given ${tail.length - at}`);
    const bytes = tail.subarray(at, at + size);
    at += size;
    return { name: input.name, datatype: input.datatype, shape: input.shape, data: readBinaryData(input, bytes) };
  });
  if (at !== tail.length) throw invalid(`${tail.length - at} bytes are left over behind the binary tensors`);
  return inputs;
}

function readFromJson(envelope: Envelope, input: EnvelopeInput, elements: number, limits: RequestLimits): Tensor {
  if (input.dataStart === undefined) throw invalid(`input ${quote(input.name)} has neither "data" nor the parameter "binary_data_size"`);
  const { reader } = envelope;
  reader.pos = input.dataStart;
  const couldHold = reader.end - reader.pos;
  if (elements > limits.maxInputElements && elements <= couldHold) {
    throw new SlipwayError(
      'INFER_TOO_LARGE',
      `the request has ${elements} values as JSON, the limit is ${limits.maxInputElements}; send large tensors in the binary form`,
    );
  }
  return { name: input.name, datatype: input.datatype, shape: input.shape, data: readJsonData(reader, input) };
}

function binarySize(input: EnvelopeInput): number | undefined {
  const size = input.parameters.get('binary_data_size');
  if (size === undefined) return undefined;
  if (input.dataStart !== undefined) throw invalid(`input ${quote(input.name)} has both "data" and the parameter "binary_data_size"`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`input ${quote(input.name)}: binary_data_size must be a number of bytes, given ${quote(String(size))}`);
  }
  return size;
}

const sequenceParameters = ['sequence_id', 'sequence_start', 'sequence_end'];

function refuseUnsupported(envelope: Envelope): void {
  for (const name of sequenceParameters) {
    const value = envelope.parameters.get(name);
    if (value !== undefined && value !== 0 && value !== '' && value !== false) {
      throw unsupported(`the parameter "${name}" asks for a sequence kept between requests; models here keep no state, so pass it as inputs`);
    }
  }
  for (const tensor of [...envelope.inputs, ...envelope.outputs]) {
    if (tensor.parameters.has('shared_memory_region'))
      throw unsupported(`${quote(tensor.name)}: shared memory is not supported; send the data in the body`);
  }
  for (const output of envelope.outputs) {
    if (output.parameters.has('classification')) throw unsupported(`output ${quote(output.name)}: the classification extension is not supported`);
  }
}

function chooseOutputs(envelope: Envelope, signature: Signature): WantedOutput[] {
  const byDefault = isTrue(envelope.parameters, 'binary_data_output') ?? false;
  if (envelope.outputs.length === 0) return signature.outputs.map(({ name }) => ({ name, binary: byDefault }));
  const seen = new Set<string>();
  return envelope.outputs.map((output) => {
    if (seen.has(output.name)) throw invalid(`output ${quote(output.name)} is asked for twice`);
    seen.add(output.name);
    if (!signature.outputs.some(({ name }) => name === output.name)) {
      throw invalid(`unknown output ${quote(output.name)}: the model gives ${listNames(signature.outputs)}`);
    }
    return { name: output.name, binary: isTrue(output.parameters, 'binary_data') ?? byDefault };
  });
}

function isTrue(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalid(`the parameter "${name}" must be true or false`);
}

/** The raw form: the body is the one input's data alone, and every output comes back as bytes. */
function decodeRaw(body: Buffer, signature: Signature): InferRequest {
  const [input, ...others] = signature.inputs;
  if (input === undefined || others.length > 0) {
    throw invalid(`Inference-Header-Content-Length 0 needs a model with exactly one input, this one has ${signature.inputs.length}`);
  }
  const outputs = signature.outputs.map(({ name }) => ({ name, binary: true }));
  const head = { name: input.name, datatype: input.datatype, shape: rawShape(input, body.length) };
  if (input.datatype === 'BYTES') {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    return { inputs: [{ ...head, data: readBinaryData(head, Buffer.concat([length, body])) }], outputs };
  }
  return { inputs: [{ ...head, data: readBinaryData(head, body) }], outputs };
}

/** One row where rows are counted, and the one other open dimension from the number of bytes. */
function rawShape(input: TensorSignature, bytes: number): number[] {
  const open = input.shape.filter((dimension) => dimension === -1).length;
  const rowsAreOpen = input.shape[0] === -1;
  if (input.unranked === true || open > (rowsAreOpen ? 2 : 1)) {
    throw invalid(
      `Inference-Header-Content-Length 0 needs an input with at most one open dimension beside the rows, not ${JSON.stringify(input.shape)}`,
    );
  }
  if (input.datatype === 'BYTES') return input.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
  const known = input.shape.map((dimension, axis) => (open === 2 && axis === 0 ? 1 : dimension));
  const fixed = known.reduce((product, dimension) => (dimension === -1 ? product : product * dimension), datatypeFacts[input.datatype].bytes);
  const rest = fixed === 0 ? 0 : bytes / fixed;
  if (!Number.isInteger(rest)) throw invalid(`input ${quote(input.name)}: ${bytes} bytes do not fill shape ${JSON.stringify(input.shape)}`);
  return known.map((dimension) => (dimension === -1 ? rest : dimension));
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}

function unsupported(message: string): SlipwayError {
  return new SlipwayError('FEATURE_UNSUPPORTED', message);
}
