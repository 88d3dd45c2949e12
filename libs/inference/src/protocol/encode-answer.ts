import { deflateSync, gzipSync } from 'node:zlib';
import type { Tensor } from '../tensors/tensor.js';
import { chooseEncoding } from './choose-encoding.js';
import type { WantedOutput } from './infer-request.js';
import { binaryDataOf } from './write-binary-data.js';
import { writeJsonData } from './write-json-data.js';

/** An answer as HTTP carries it; never compressed by anybody later. */
export interface EncodedAnswer {
  readonly body: Buffer;
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
}

/** Below this, compression costs more than it saves, and a client that offers it takes the plain form as well. */
const compressFromBytes = 256;

/** Writes the answer to an Open Inference Protocol request: flat row-major data as JSON, or as bytes behind the JSON where wanted. */
export function encodeAnswer(answer: Answer): EncodedAnswer {
  const pieces: (string | Buffer)[] = [headOf(answer)];
  const tails: Buffer[] = [];
  answer.outputs.forEach((output, index) => {
    const binary = answer.wanted[index]?.binary === true;
    pieces.push(index === 0 ? '' : ',', outputHead(output));
    if (binary) {
      const bytes = binaryDataOf(output);
      tails.push(bytes);
      pieces.push(`,"parameters":{"binary_data_size":${bytes.length}}}`);
    } else {
      pieces.push(',"data":');
      writeJsonData(output, pieces);
      pieces.push('}');
    }
  });
  pieces.push(']}');
  return wrap(toBuffer(pieces), tails, answer.acceptEncoding);
}

function wrap(json: Buffer, tails: readonly Buffer[], acceptEncoding: string | undefined): EncodedAnswer {
  const tailBytes = tails.reduce((sum, tail) => sum + tail.length, 0);
  const body = tails.length === 0 ? json : Buffer.concat([json, ...tails], json.length + tailBytes);
  const plain =
    tailBytes > 0
      ? { body, contentType: 'application/octet-stream', inferenceHeaderContentLength: json.length }
      : { body, contentType: 'application/json' };
  if (acceptEncoding === undefined || body.length < compressFromBytes) return plain;
  const encoding = chooseEncoding(acceptEncoding);
  if (encoding === 'identity') return plain;
  // The lowest level: an answer is compressed while its caller and the model wait.
  return { ...plain, body: (encoding === 'gzip' ? gzipSync : deflateSync)(body, { level: 1 }), contentEncoding: encoding };
}

let headKey = '';
let headText = '';

/** The part before the outputs is the same for nearly every answer of an instance, so the last one is kept. */
function headOf(answer: Answer): string {
  const key = `${answer.modelVersion}/${answer.modelName}`;
  if (key !== headKey) {
    headKey = key;
    headText = `{"model_name":${JSON.stringify(answer.modelName)},"model_version":${JSON.stringify(answer.modelVersion)}`;
  }
  return answer.id === undefined ? `${headText},"outputs":[` : `${headText},"id":${JSON.stringify(answer.id)},"outputs":[`;
}

function outputHead(output: Tensor): string {
  return `{"name":${JSON.stringify(output.name)},"datatype":"${output.datatype}","shape":[${output.shape.join(',')}]`;
}

function toBuffer(pieces: readonly (string | Buffer)[]): Buffer {
  const buffers: Buffer[] = [];
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    else {
      buffers.push(Buffer.from(text, 'utf8'), piece);
      text = '';
    }
  }
  if (buffers.length === 0) return Buffer.from(text, 'utf8');
  buffers.push(Buffer.from(text, 'utf8'));
  return Buffer.concat(buffers);
}
