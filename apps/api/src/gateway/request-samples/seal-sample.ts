import { type RequestSamples, type SampledInput, type Signature, SlipwayError } from '@slipway/contracts';
import {
  binaryDataOf,
  type ContentKind,
  decodeGrpcRequest,
  decodeRequest,
  fromFloat16,
  type InferRequest,
  redactTensor,
  type Tensor,
  type WantedOutput,
} from '@slipway/inference';
import { type PackedTensor, redactionKey, type SampleRef, sampleKey, samplePayloadBytesMax, sealPayload, sealSummary } from '@slipway/metrics';
import { readAnswer } from './read-answer.js';

/** A request and its answer as they went over the wire, and what is to become of them. */
export interface SampleOrder {
  readonly ref: SampleRef;
  readonly signature: Signature;
  readonly redact: RequestSamples['redact'];
  readonly contentKind: ContentKind;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly inferenceHeaderContentLength: number | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly answer: {
    readonly contentEncoding: string | undefined;
    readonly headerBytes: number | undefined;
    readonly body: Uint8Array<ArrayBuffer>;
  };
}

/** Ready to be kept: nothing of it can be read without the installation's key. */
export interface SealedSample {
  readonly payload: Uint8Array;
  readonly summary: Uint8Array;
  readonly hasAnswer: boolean;
  readonly isRedacted: boolean;
}

const limits = { maxBodyBytes: samplePayloadBytesMax, maxInputElements: samplePayloadBytesMax };
const shownValues = 8;
const shownCharacters = 64;

/**
 * Reads a request, redacts its inputs and encrypts what is left. Of the request only the inputs of the signature are kept: no id, no
 * parameters, no unknown fields, no headers. The answer is kept where no input is redacted; one to values that are not kept would be compared
 * with answers to others.
 * @throws SlipwayError when the request cannot be read (it was answered, so that is a matter of its size), and when an input is to be redacted
 * that the version does not have: what was meant by it would be kept as it is.
 */
export function sealSample(order: SampleOrder, masterKey: Uint8Array): SealedSample {
  const { ref, redact, signature } = order;
  const unknown = Object.keys(redact).find((name) => !signature.inputs.some((input) => input.name === name));
  if (unknown !== undefined) throw new SlipwayError('REQUEST_INVALID', `"${unknown}" is to be redacted, and the version has no input of that name`);
  const request = decode(order);
  const how = (name: string) => redact[name] ?? 'keep';
  const key = redactionKey(masterKey, ref.projectId);
  const inputs = request.inputs.map((input) => redactTensor(input, how(input.name), key));
  const isRedacted = inputs.some(({ name }) => how(name) !== 'keep');
  const answer = isRedacted ? undefined : answerOf(order, request.outputs);
  const sealing = sampleKey(masterKey);
  return {
    payload: sealPayload(sealing, ref, { inputs: inputs.map(packedOf), answer }),
    summary: sealSummary(
      sealing,
      ref,
      inputs.map((input): SampledInput => ({ ...headOf(input), redaction: how(input.name), values: firstValues(input) })),
    ),
    hasAnswer: answer !== undefined,
    isRedacted,
  };
}

function decode(order: SampleOrder): InferRequest {
  const body = Buffer.from(order.body.buffer, order.body.byteOffset, order.body.byteLength);
  if (order.contentKind === 'grpc') return decodeGrpcRequest(body, order.signature, limits);
  const { contentType, contentEncoding, inferenceHeaderContentLength } = order;
  const layout = {
    contentType,
    ...(contentEncoding === undefined ? {} : { contentEncoding }),
    ...(inferenceHeaderContentLength === undefined ? {} : { inferenceHeaderContentLength }),
  };
  return decodeRequest(body, layout, order.signature, limits);
}

/** Over gRPC answers are not read: the version is asked again. Classes in place of an output are not what the model gave. */
function answerOf({ contentKind, answer }: SampleOrder, wanted: readonly WantedOutput[]): PackedTensor[] | undefined {
  if (contentKind === 'grpc') return undefined;
  const body = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.byteLength);
  const outputs = readAnswer(body, answer, samplePayloadBytesMax);
  const classified = new Set(wanted.flatMap(({ name, classification }) => (classification === undefined ? [] : [name])));
  const kept = outputs?.filter(({ name }) => !classified.has(name));
  return kept === undefined || kept.length === 0 ? undefined : kept;
}

function packedOf(tensor: Tensor): PackedTensor {
  return { ...headOf(tensor), bytes: binaryDataOf(tensor) };
}

function headOf({ name, datatype, shape }: Tensor) {
  return { name, datatype, shape: [...shape] };
}

function firstValues({ datatype, data }: Tensor): string[] {
  return Array.from({ length: Math.min(shownValues, data.length) }, (_, index) => {
    const value = data[index] ?? '';
    if (typeof value === 'string') return value.length > shownCharacters ? `${value.slice(0, shownCharacters)}…` : value;
    if (datatype === 'BOOL') return String(Number(value) !== 0);
    return String(datatype === 'FP16' ? fromFloat16(Number(value)) : value);
  });
}
