import { type Signature, SlipwayError } from '@slipway/contracts';
import { checkInputs, listNames } from '../tensors/check-inputs.js';
import { makeNumericData } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type Tensor } from '../tensors/tensor.js';
import { readTypedContents } from './grpc-contents.js';
import { type GrpcEnvelope, type GrpcInput, readGrpcEnvelope } from './grpc-envelope.js';
import { GrpcReader } from './grpc-reader.js';
import type { InferRequest, RequestLimits, WantedOutput } from './infer-request.js';
import { readBinaryData } from './read-binary-data.js';
import {
  type OutputParameters,
  type RequestParameters,
  sharedMemoryUnsupported,
  takeOutputParameter,
  takeRequestParameter,
} from './request-parameters.js';

/** Of streams alone: whoever holds the stream sees to it. */
export const emptyFinalResponse = 'triton_enable_empty_final_response';

/**
 * Reads the bytes of a ModelInferRequest (Open Inference Protocol over gRPC), typed or raw. Names, datatypes and shapes are checked against
 * the signature before any data is read. Raw contents are views of the message where they lie aligned.
 * @param body the message, not compressed.
 * @throws SlipwayError INFER_INVALID, INFER_TOO_LARGE, FEATURE_UNSUPPORTED
 */
export function decodeGrpcRequest(body: Buffer, signature: Signature, limits: RequestLimits): InferRequest {
  if (body.length > limits.maxBodyBytes) {
    throw new SlipwayError('INFER_TOO_LARGE', `the message has ${body.length} bytes, the limit is ${limits.maxBodyBytes}`);
  }
  const reader = new GrpcReader(body, 0, body.length);
  const envelope = readGrpcEnvelope(reader, signature);
  const asked: RequestParameters = {};
  for (const [name, value] of envelope.parameters) if (name !== emptyFinalResponse) takeRequestParameter(asked, name, value);
  refuseSharedMemory(envelope);
  checkInputs(signature, envelope.inputs);
  const outputs = chooseOutputs(envelope, signature);
  const inputs = envelope.rawCount > 0 ? readRaw(body, envelope) : readTyped(reader, envelope, limits);
  return {
    ...(envelope.id === '' ? {} : { id: envelope.id }),
    ...(asked.timeoutMicros === undefined ? {} : { timeoutMicros: asked.timeoutMicros }),
    ...(asked.priority === undefined ? {} : { priority: asked.priority }),
    inputs,
    outputs,
  };
}

function refuseSharedMemory({ inputs, outputs }: GrpcEnvelope): void {
  for (const { name, parameters } of [...inputs, ...outputs]) if (parameters.has('shared_memory_region')) throw sharedMemoryUnsupported(name);
}

/** Every output is told as raw contents: the one form that all clients read. */
function chooseOutputs(envelope: GrpcEnvelope, signature: Signature): WantedOutput[] {
  if (envelope.outputs.length === 0) return signature.outputs.map(({ name }) => ({ name, binary: true }));
  const seen = new Set<string>();
  return envelope.outputs.map(({ name, parameters }) => {
    if (seen.has(name)) throw invalid(`output ${quote(name)} is asked for twice`);
    seen.add(name);
    const output = signature.outputs.find((each) => each.name === name);
    if (output === undefined) throw invalid(`unknown output ${quote(name)}: the model gives ${listNames(signature.outputs)}`);
    const asked: OutputParameters = {};
    for (const [parameter, value] of parameters) takeOutputParameter(asked, parameter, value, output);
    return { name, binary: true, ...(asked.classification === undefined ? {} : { classification: asked.classification }) };
  });
}

function readRaw(body: Buffer, { inputs, raw, rawCount }: GrpcEnvelope): Tensor[] {
  const typed = inputs.find((input) => input.contents.length > 0);
  if (typed !== undefined)
    throw invalid(`input ${quote(typed.name)} has "contents" although "raw_input_contents" is given: use one of them for all inputs`);
  if (rawCount !== inputs.length) throw invalid(`raw_input_contents has ${rawCount} entries, expected one for each of the ${inputs.length} inputs`);
  return inputs.map((input, index) => toTensor(input, readBinaryData(input, body.subarray(raw[index * 2], raw[index * 2 + 1]))));
}

function readTyped(reader: GrpcReader, { inputs }: GrpcEnvelope, limits: RequestLimits): Tensor[] {
  let elements = 0;
  return inputs.map((input) => {
    const count = elementCount(input.shape);
    // Without elements there is nothing to send, and writers leave an empty list out.
    if (input.contents.length === 0 && count === 0) return toTensor(input, emptyData(input));
    if (input.contents.length === 0) throw invalid(`input ${quote(input.name)} has neither "contents" nor an entry in "raw_input_contents"`);
    elements += count;
    if (elements > limits.maxInputElements && elements <= reader.bytes.length) {
      throw new SlipwayError(
        'INFER_TOO_LARGE',
        `the request has ${elements} typed values, the limit is ${limits.maxInputElements}; send large tensors in raw_input_contents`,
      );
    }
    return toTensor(input, readTypedContents(reader, input, input.contents));
  });
}

function emptyData({ datatype }: GrpcInput): Tensor['data'] {
  return datatype === 'BYTES' ? [] : makeNumericData(datatype, 0);
}

function toTensor({ name, datatype, shape }: GrpcInput, data: Tensor['data']): Tensor {
  return { name, datatype, shape, data };
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
