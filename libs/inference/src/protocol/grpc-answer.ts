import { deflateSync, gzipSync } from 'node:zlib';
import type { Tensor } from '../tensors/tensor.js';
import { chooseEncoding } from './choose-encoding.js';
import { classifyOutput } from './classify-output.js';
import type { Answer, EncodedAnswer } from './encode-answer.js';
import { GrpcWriter, sizeOfField, sizeOfText, sizeOfVarint } from './grpc-writer.js';
import { binaryDataOf } from './write-binary-data.js';

const contentType = 'application/grpc';
/** Below this, compression costs more than it saves. */
const compressFromBytes = 256;

/**
 * Writes the bytes of a ModelInferResponse. Outputs are raw contents always, whatever was wanted: the one form that all clients read.
 * @throws SlipwayError INFER_OUTPUT_TOO_LARGE when more classes are wanted than an answer may hold.
 * @param answer its `acceptEncoding` is what the caller asked the message to be compressed with, if anything.
 */
export function encodeGrpcAnswer(answer: Answer): EncodedAnswer {
  const { modelName, modelVersion, id = '' } = answer;
  const outputs = answer.outputs.map((output, index) => asWanted(output, answer, index));
  const raw = outputs.map(binaryDataOf);
  const heads = outputs.map(sizeOfHead);
  let size = sizeOfText(modelName) + sizeOfText(modelVersion) + sizeOfText(id);
  for (const head of heads) size += sizeOfField(head);
  for (const data of raw) size += sizeOfField(data.length);
  const writer = new GrpcWriter(size);
  writer.text(1, modelName);
  writer.text(2, modelVersion);
  writer.text(3, id);
  outputs.forEach((output, index) => {
    writer.open(5, heads[index] ?? 0);
    writeHead(writer, output);
  });
  for (const data of raw) writer.data(6, data);
  return wrap(writer.bytes, answer.acceptEncoding);
}

function asWanted(output: Tensor, { wanted, task }: Answer, index: number): Tensor {
  const classification = wanted[index]?.classification;
  return classification === undefined ? output : classifyOutput(output, classification, task);
}

function sizeOfHead({ name, datatype, shape }: Tensor): number {
  return sizeOfText(name) + sizeOfText(datatype) + (shape.length === 0 ? 0 : sizeOfField(sizeOfShape(shape)));
}

function writeHead(writer: GrpcWriter, { name, datatype, shape }: Tensor): void {
  writer.text(1, name);
  writer.text(2, datatype);
  if (shape.length === 0) return;
  writer.open(3, sizeOfShape(shape));
  for (const dimension of shape) writer.varint(dimension);
}

function sizeOfShape(shape: readonly number[]): number {
  let size = 0;
  for (const dimension of shape) size += sizeOfVarint(dimension);
  return size;
}

function wrap(body: Buffer, acceptEncoding: string | undefined): EncodedAnswer {
  const encoding = acceptEncoding === undefined || body.length < compressFromBytes ? 'identity' : chooseEncoding(acceptEncoding);
  if (encoding === 'identity') return { body, contentType };
  // The lowest level: an answer is compressed while its caller and the model wait.
  return { body: (encoding === 'gzip' ? gzipSync : deflateSync)(body, { level: 1 }), contentType, contentEncoding: encoding };
}
