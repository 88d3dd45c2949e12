import { Datatype } from '@slipway/contracts';
import { datatypeFacts, fromFloat16 } from '@slipway/inference';
import { z } from 'zod';

/** One output of an answer. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Element by its place, row-major: a number, an exact 64-bit integer, a truth or a text. */
  readonly at: (index: number) => number | bigint | boolean | string;
}

export interface InferAnswer {
  /** Of the version that answered. */
  readonly version: number;
  readonly outputs: readonly OutputTensor[];
}

const Head = z.object({
  model_version: z.coerce.number().int(),
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: Datatype,
      shape: z.array(z.number().int().min(0)),
      parameters: z.object({ binary_data_size: z.number().int().min(0) }),
    }),
  ),
});

/**
 * Reads an answer in the binary form of the protocol.
 * @param headerBytes of the header Inference-Header-Content-Length; undefined when no tensor has any bytes.
 * @throws Error when it is not one.
 */
export function decodeInferAnswer(body: Buffer, headerBytes: number | undefined): InferAnswer {
  const end = headerBytes ?? body.length;
  const head = Head.parse(JSON.parse(body.toString('utf8', 0, end)));
  let at = end;
  const outputs = head.outputs.map(({ name, datatype, shape, parameters }): OutputTensor => {
    const bytes = body.subarray(at, at + parameters.binary_data_size);
    at += parameters.binary_data_size;
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    return { name, datatype, shape, at: elementsOf(name, datatype, bytes, count) };
  });
  if (at !== body.length) throw new Error(`the answer has ${body.length} bytes where its head announces ${at}`);
  return { version: head.model_version, outputs };
}

function elementsOf(name: string, datatype: Datatype, bytes: Buffer, count: number): OutputTensor['at'] {
  if (datatype === 'BYTES') return textsOf(name, bytes, count);
  const size = datatypeFacts[datatype].bytes;
  if (bytes.length !== size * count) throw new Error(`output "${name}" has ${bytes.length} bytes where its shape asks for ${size * count}`);
  switch (datatype) {
    case 'BOOL':
      return (index) => bytes.readUInt8(index) !== 0;
    case 'UINT8':
      return (index) => bytes.readUInt8(index);
    case 'UINT16':
      return (index) => bytes.readUInt16LE(2 * index);
    case 'UINT32':
      return (index) => bytes.readUInt32LE(4 * index);
    case 'UINT64':
      return (index) => bytes.readBigUInt64LE(8 * index);
    case 'INT8':
      return (index) => bytes.readInt8(index);
    case 'INT16':
      return (index) => bytes.readInt16LE(2 * index);
    case 'INT32':
      return (index) => bytes.readInt32LE(4 * index);
    case 'INT64':
      return (index) => bytes.readBigInt64LE(8 * index);
    case 'FP16':
      return (index) => fromFloat16(bytes.readUInt16LE(2 * index));
    case 'FP32':
      return (index) => bytes.readFloatLE(4 * index);
    case 'FP64':
      return (index) => bytes.readDoubleLE(8 * index);
  }
}

function textsOf(name: string, bytes: Buffer, count: number): OutputTensor['at'] {
  const texts: string[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    texts.push(bytes.toString('utf8', at + 4, end));
    at = end;
  }
  if (at !== bytes.length || texts.length !== count) throw new Error(`output "${name}" does not have the ${count} texts its shape asks for`);
  return (index) => texts[index] ?? '';
}
