import { deflateSync, gzipSync } from 'node:zlib';
import type { Datatype } from '@slipway/contracts';
import type { Tensor } from '../tensors/tensor.js';
import { chooseEncoding } from './choose-encoding.js';
import { type ClassificationTask, classifyOutput } from './classify-output.js';
import type { WantedOutput } from './infer-request.js';
import { withJsonSize } from './json-size.js';
import { JsonWriter } from './json-writer.js';
import { binaryDataOf } from './write-binary-data.js';
import { writeJsonData } from './write-json-data.js';

/** An answer as HTTP carries it; never compressed by anybody later. */
export interface EncodedAnswer {
  readonly body: Buffer;
  /** What follows the body: large tensors stay where they lie. */
  readonly tails?: readonly Buffer[];
  readonly contentType: string;
  readonly contentEncoding?: string;
  /** Bytes of the JSON part before compression; only when binary tensors follow it. */
  readonly inferenceHeaderContentLength?: number;
}

export interface Answer {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id?: string;
  /** In the order of `wanted`. */
  readonly outputs: readonly Tensor[];
  readonly wanted: readonly WantedOutput[];
  readonly acceptEncoding?: string;
  /** Of the request, where that carried the length of the JSON part. */
  readonly mediaType?: string | undefined;
  /** Of the version: labels for outputs that are wanted as classes. */
  readonly task?: ClassificationTask | null;
}

/** Tails from this size on are not copied behind the JSON. */
const separateFromBytes = 64 * 1024;

/** Below this, compression costs more than it saves, and a client that offers it takes the plain form as well. */
const compressFromBytes = 256;

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const parts = {
  id: ascii(',"id":'),
  outputs: ascii(',"outputs":['),
  closeShape: ascii(']'),
  data: ascii(',"data":'),
  binarySize: ascii(',"parameters":{"binary_data_size":'),
  closeBinary: ascii('}}'),
  close: ascii(']}'),
};
const comma = 0x2c;
const closeObject = 0x7d;
const writer = new JsonWriter();

/**
 * Writes the answer to an Open Inference Protocol request: flat row-major data as JSON, or as bytes behind the JSON where wanted.
 * @throws SlipwayError INFER_OUTPUT_TOO_LARGE when more classes are wanted than an answer may hold.
 */
export function encodeAnswer(answer: Answer): EncodedAnswer {
  const { outputs, wanted, task } = answer;
  const tails: Buffer[] = [];
  writer.begin();
  writeHead(answer);
  for (let index = 0; index < outputs.length; index++) {
    const given = outputs[index];
    if (given === undefined) continue;
    if (index > 0) writer.byte(comma);
    const { binary = false, classification } = wanted[index] ?? {};
    const output = classification === undefined ? given : classifyOutput(given, classification, task);
    writeOutput(output, binary, tails);
  }
  writer.raw(parts.close);
  return wrap(tails, answer);
}

function writeOutput(output: Tensor, binary: boolean, tails: Buffer[]): void {
  writer.raw(headOf(output.name, output.datatype));
  const { shape } = output;
  for (let axis = 0; axis < shape.length; axis++) {
    if (axis > 0) writer.byte(comma);
    writeLength(shape[axis] ?? 0);
  }
  writer.raw(parts.closeShape);
  if (binary) {
    const bytes = binaryDataOf(output);
    tails.push(bytes);
    writer.raw(parts.binarySize);
    writeLength(bytes.length);
    writer.raw(parts.closeBinary);
    return;
  }
  writer.raw(parts.data);
  writeJsonData(writer, output);
  writer.byte(closeObject);
}

function writeLength(length: number): void {
  if (length <= 0x7fffffff) writer.smallInteger(length);
  else writer.ascii(String(length));
}

function wrap(tails: readonly Buffer[], { acceptEncoding, mediaType }: Answer): EncodedAnswer {
  const jsonBytes = writer.length;
  const tailBytes = tails.reduce((sum, tail) => sum + tail.length, 0);
  const isLong = acceptEncoding !== undefined && jsonBytes + tailBytes >= compressFromBytes;
  const encoding = isLong ? chooseEncoding(acceptEncoding) : 'identity';
  if (encoding === 'identity' && tailBytes >= separateFromBytes) {
    return { body: writer.finish([], 0), tails, contentType: 'application/octet-stream', inferenceHeaderContentLength: jsonBytes };
  }
  const body = writer.finish(tails, tailBytes);
  const plain =
    tailBytes > 0
      ? { body, contentType: binaryType(mediaType, jsonBytes), inferenceHeaderContentLength: jsonBytes }
      : { body, contentType: 'application/json' };
  if (encoding === 'identity') return plain;
  // The lowest level: an answer is compressed while its caller and the model wait.
  return { ...plain, body: (encoding === 'gzip' ? gzipSync : deflateSync)(body, { level: 1 }), contentEncoding: encoding };
}

function binaryType(mediaType: string | undefined, jsonBytes: number): string {
  return mediaType === undefined ? 'application/octet-stream' : withJsonSize(mediaType, jsonBytes);
}

let headName = '';
let headVersion = '';
let headBytes: Uint8Array = ascii('');

/** The part before the outputs is the same for nearly every answer of an instance, so the last one is kept. */
function writeHead({ modelName, modelVersion, id }: Answer): void {
  if (modelName !== headName || modelVersion !== headVersion) {
    headName = modelName;
    headVersion = modelVersion;
    headBytes = Buffer.from(`{"model_name":${JSON.stringify(modelName)},"model_version":${JSON.stringify(modelVersion)}`, 'utf8');
  }
  writer.raw(headBytes);
  if (id !== undefined) {
    writer.raw(parts.id);
    writer.utf8(JSON.stringify(id));
  }
  writer.raw(parts.outputs);
}

/** Heads of outputs are kept by name; a model has few, and where it has many they are made anew. */
const maxHeads = 256;
const heads = new Map<string, { readonly datatype: Datatype; readonly bytes: Uint8Array }>();

function headOf(name: string, datatype: Datatype): Uint8Array {
  const known = heads.get(name);
  if (known?.datatype === datatype) return known.bytes;
  const bytes = Buffer.from(`{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[`, 'utf8');
  if (heads.size >= maxHeads) heads.clear();
  heads.set(name, { datatype, bytes });
  return bytes;
}
