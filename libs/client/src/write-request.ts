import type { WireArray } from './datatypes.js';
import { fromFloat16 } from './float16.js';
import type { WireTensor } from './wire-tensor.js';

/** Which form the tensors of a request take: `auto` sends what is large, or what JSON cannot hold, as bytes. */
export type RequestFormat = 'auto' | 'json' | 'binary';

export interface RequestParts {
  readonly inputs: readonly WireTensor[];
  /** What is wanted back; absent: everything. */
  readonly outputs?: readonly string[] | undefined;
  /** The caller's own name for the request. */
  readonly id?: string | undefined;
  readonly format: RequestFormat;
  /** Whether the outputs come back as bytes. */
  readonly binaryOutputs: boolean;
}

export interface WrittenRequest {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Bytes of the JSON part, when bytes of tensors follow it. */
  readonly inferenceHeaderContentLength: number | undefined;
}

/** From this size on a tensor is cheaper as bytes than as text. */
const binaryFromBytes = 512;

/** Writes the body of an inference request: JSON, and behind it the tensors that go as bytes, in the order of the inputs. */
export function writeRequest(parts: RequestParts): WrittenRequest {
  const tails: Uint8Array[] = [];
  const inputs = parts.inputs.map((tensor) => {
    const head = `{"name":${JSON.stringify(tensor.name)},"datatype":"${tensor.datatype}","shape":[${tensor.shape.join(',')}]`;
    if (!isBinary(tensor, parts.format)) return `${head},"data":[${jsonOf(tensor)}]}`;
    const tail = tailOf(tensor);
    tails.push(...tail);
    return `${head},"parameters":{"binary_data_size":${byteLengthOf(tail)}}}`;
  });
  const fields = [
    ...(parts.id === undefined ? [] : [`"id":${JSON.stringify(parts.id)}`]),
    ...(parts.binaryOutputs ? ['"parameters":{"binary_data_output":true}'] : []),
    `"inputs":[${inputs.join(',')}]`,
    ...(parts.outputs === undefined ? [] : [`"outputs":[${parts.outputs.map((name) => JSON.stringify({ name })).join(',')}]`]),
  ];
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  if (tails.length === 0) return { body: json, contentType: 'application/json', inferenceHeaderContentLength: undefined };
  return { body: joined([json, ...tails]), contentType: 'application/octet-stream', inferenceHeaderContentLength: json.length };
}

function isBinary(tensor: WireTensor, format: RequestFormat): boolean {
  if (format !== 'auto') return format === 'binary' || (tensor.datatype === 'BYTES' && !tensor.isText);
  if (tensor.datatype !== 'BYTES') return tensor.data.byteLength >= binaryFromBytes;
  return !tensor.isText || byteLengthOf(tensor.data) >= binaryFromBytes;
}

/** The bytes of a tensor; an empty tensor has one empty piece, so that it still counts as sent this way. */
function tailOf(tensor: WireTensor): Uint8Array[] {
  if (tensor.datatype !== 'BYTES') return [new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)];
  if (tensor.data.length === 0) return [new Uint8Array(0)];
  return tensor.data.flatMap((element) => [lengthBytes(element.length), element]);
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

/** Values as a flat JSON list. NaN and the infinities are written bare, as the protocol's clients and servers do; negative zero keeps its sign. */
function jsonOf(tensor: WireTensor): string {
  if (tensor.datatype === 'BYTES') {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return tensor.data.map((element) => JSON.stringify(decoder.decode(element))).join(',');
  }
  const { data, datatype } = tensor;
  if (datatype === 'BOOL') return textsOf(data, (value) => (value === 0 ? 'false' : 'true'));
  if (datatype === 'FP16') return textsOf(data, (value) => floatText(fromFloat16(Number(value))));
  if (datatype === 'FP32' || datatype === 'FP64') return textsOf(data, (value) => floatText(Number(value)));
  return data.join(',');
}

function textsOf(data: WireArray, textOf: (value: number | bigint) => string): string {
  return Array.from<number | bigint, string>(data, textOf).join(',');
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value);
}

function byteLengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(byteLengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
