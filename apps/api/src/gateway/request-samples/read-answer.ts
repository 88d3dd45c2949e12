import { gunzipSync, inflateSync } from 'node:zlib';
import { Datatype } from '@slipway/contracts';
import { binaryDataOf, elementCount, makeNumericData, type TensorData, toFloat16 } from '@slipway/inference';
import type { PackedTensor } from '@slipway/metrics';
import { z } from 'zod';

/** How an answer over HTTP is laid out. */
export interface AnswerLayout {
  readonly contentEncoding: string | undefined;
  /** Of the JSON part, when tensors follow it. */
  readonly headerBytes: number | undefined;
}

const Output = z.object({
  name: z.string(),
  datatype: Datatype,
  shape: z.array(z.number().int().min(0)),
  parameters: z.object({ binary_data_size: z.number().int().min(0).optional() }).optional(),
  data: z.array(z.union([z.number(), z.boolean(), z.string()])).optional(),
});
const Answer = z.object({ outputs: z.array(Output) });

/**
 * The outputs of an answer, exactly as the model gave them.
 * @returns undefined when they cannot be read back bit by bit: NaN is no JSON, and large 64-bit integers lose digits in it.
 */
export function readAnswer(body: Buffer, { contentEncoding, headerBytes }: AnswerLayout, maxBytes: number): PackedTensor[] | undefined {
  try {
    const expanded = expand(body, contentEncoding, maxBytes);
    const end = headerBytes ?? expanded.length;
    let at = end;
    return Answer.parse(JSON.parse(expanded.toString('utf8', 0, end))).outputs.map(({ name, datatype, shape, parameters, data }) => {
      const size = parameters?.binary_data_size;
      if (size === undefined) return { name, datatype, shape, bytes: packed(name, datatype, shape, data ?? []) };
      at += size;
      return { name, datatype, shape, bytes: expanded.subarray(at - size, at) };
    });
  } catch {
    return undefined;
  }
}

function expand(body: Buffer, contentEncoding: string | undefined, maxOutputLength: number): Buffer {
  if (contentEncoding === undefined) return body;
  return contentEncoding === 'gzip' ? gunzipSync(body, { maxOutputLength }) : inflateSync(body, { maxOutputLength });
}

function packed(name: string, datatype: Datatype, shape: readonly number[], values: readonly (number | boolean | string)[]): Buffer {
  if (values.length !== elementCount(shape)) throw new Error('the data does not fill the shape');
  return binaryDataOf({ name, datatype, shape, data: dataOf(datatype, values) });
}

function dataOf(datatype: Datatype, values: readonly (number | boolean | string)[]): TensorData {
  if (datatype === 'BYTES') return values.map(String);
  const data = makeNumericData(datatype, values.length);
  for (const [index, value] of values.entries()) {
    const number = Number(value);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      if (!Number.isSafeInteger(number)) throw new Error('an integer lost its digits');
      data[index] = BigInt(number);
    } else data[index] = datatype === 'FP16' ? toFloat16(number) : number;
  }
  return data;
}
