import { type Signature, SlipwayError, type TensorSignature } from '@slipway/contracts';
import { datatypeFacts } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import type { Tensor } from '../tensors/tensor.js';
import { planOf } from './decode-plan.js';
import { expandBody } from './expand-body.js';
import type { BodyLayout, InferRequest, RequestLimits } from './infer-request.js';
import { sizedMediaType } from './json-size.js';
import { readBinaryData } from './read-binary-data.js';
import { type BinaryInput, type JsonRequest, readRequest } from './read-request.js';

/**
 * Reads the body of an Open Inference Protocol request over HTTP: JSON, JSON with binary tensors behind it, or the raw form.
 * Names, datatypes and shapes are checked against the signature before any data is read.
 * @throws SlipwayError INFER_INVALID, INFER_TOO_LARGE, ENCODING_UNSUPPORTED, FEATURE_UNSUPPORTED
 */
export function decodeRequest(body: Buffer, layout: BodyLayout, signature: Signature, limits: RequestLimits): InferRequest {
  const expanded = expandBody(body, layout.contentEncoding, limits.maxBodyBytes);
  const sized = layout.inferenceHeaderContentLength === undefined ? sizedMediaType(layout.contentType) : undefined;
  const jsonBytes = layout.inferenceHeaderContentLength ?? sized?.jsonBytes ?? expanded.length;
  if (jsonBytes > expanded.length) {
    const where = sized === undefined ? 'Inference-Header-Content-Length' : 'json-header-size';
    throw invalid(`${where} is ${jsonBytes}, but the body has only ${expanded.length} bytes`);
  }
  if ((layout.inferenceHeaderContentLength ?? sized?.jsonBytes) === 0) return withMediaType(decodeRaw(expanded, signature), sized?.mediaType);
  const json = jsonBytes === expanded.length ? expanded : expanded.subarray(0, jsonBytes);
  const request = readRequest(json, planOf(signature), limits.maxInputElements);
  const inputs = readTails(request, expanded, jsonBytes);
  const { id, outputs, parameters } = request;
  const { timeoutMicros, priority } = parameters;
  if (timeoutMicros === undefined && priority === undefined && sized === undefined) {
    return id === undefined ? { inputs, outputs } : { id, inputs, outputs };
  }
  return withMediaType(
    {
      ...(id === undefined ? {} : { id }),
      inputs,
      outputs,
      ...(timeoutMicros === undefined ? {} : { timeoutMicros }),
      ...(priority === undefined ? {} : { priority }),
    },
    sized?.mediaType,
  );
}

function withMediaType(request: InferRequest, mediaType: string | undefined): InferRequest {
  return mediaType === undefined ? request : { ...request, mediaType };
}

/** Gives each binary input its bytes from behind the JSON, in the order of the inputs. */
function readTails(request: JsonRequest, body: Buffer, jsonBytes: number): readonly Tensor[] {
  let at = jsonBytes;
  const inputs: Tensor[] = [];
  for (const input of request.inputs) {
    if (!isBinary(input)) {
      inputs.push(input);
      continue;
    }
    const { name, datatype, shape, binarySize } = input;
    if (at + binarySize > body.length) throw invalid(`input ${quote(name)}: expected ${binarySize} bytes behind the JSON, given ${body.length - at}`);
    inputs.push({ name, datatype, shape, data: readBinaryData(input, body.subarray(at, at + binarySize)) });
    at += binarySize;
  }
  if (at !== body.length) throw invalid(`${body.length - at} bytes are left over behind the binary tensors`);
  return inputs;
}

function isBinary(input: Tensor | BinaryInput): input is BinaryInput {
  return 'binarySize' in input;
}

/** The raw form: the body is the one input's data alone, and every output comes back as bytes. */
function decodeRaw(body: Buffer, signature: Signature): InferRequest {
  const [input, ...others] = signature.inputs;
  if (input === undefined || others.length > 0) {
    throw invalid(`Inference-Header-Content-Length 0 needs a model with exactly one input, this one has ${signature.inputs.length}`);
  }
  const outputs = planOf(signature).allAsBytes;
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
