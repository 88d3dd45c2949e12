import type { NumericData } from '../tensors/datatypes.js';
import { fromFloat16 } from '../tensors/float16.js';
import type { Tensor } from '../tensors/tensor.js';

/** Elements per piece: a piece is one string, and strings have an upper length. */
const chunkElements = 64 * 1024;

/**
 * Writes a tensor's elements as a flat JSON array. NaN and the infinities are written bare, as the protocol's clients read
 * them; negative zero keeps its sign; 64-bit integers are exact; FP16 is written as its value.
 */
export function writeJsonData(tensor: Tensor, pieces: (string | Buffer)[]): void {
  const { data, datatype } = tensor;
  const count = data.length;
  if (count <= chunkElements) {
    pieces.push(`[${textOf(data, datatype, 0, count)}]`);
    return;
  }
  for (let start = 0; start < count; start += chunkElements) {
    pieces.push(Buffer.from((start === 0 ? '[' : ',') + textOf(data, datatype, start, Math.min(count, start + chunkElements)), 'utf8'));
  }
  pieces.push(']');
}

function textOf(data: Tensor['data'], datatype: Tensor['datatype'], start: number, end: number): string {
  if (isTexts(data))
    return data
      .slice(start, end)
      .map((text) => JSON.stringify(text))
      .join(',');
  if (datatype === 'BOOL') return joinWith(data, start, end, (value) => (value === 0 ? 'false' : 'true'));
  if (datatype === 'FP16') return joinWith(data, start, end, (value) => floatText(fromFloat16(Number(value))));
  if (datatype === 'FP32' || datatype === 'FP64') return joinFloats(data, start, end);
  return data.subarray(start, end).join(',');
}

function joinFloats(data: NumericData, start: number, end: number): string {
  if (end - start > 16) return joinManyFloats(data.subarray(start, end));
  let text = '';
  for (let index = start; index < end; index++) {
    const value = Number(data[index]);
    text += index === start ? floatText(value) : `,${floatText(value)}`;
  }
  return text;
}

/** The engine's own join is faster, and right for all but negative zero. */
function joinManyFloats(data: NumericData): string {
  for (const value of data) if (value === 0 && Object.is(value, -0)) return joinWith(data, 0, data.length, (each) => floatText(Number(each)));
  return data.join(',');
}

/** Python's JSON reads `-0` as an integer and loses the sign, so negative zero is written as a float. */
function floatText(value: number): string {
  return value === 0 && Object.is(value, -0) ? '-0.0' : String(value);
}

function joinWith(data: NumericData, start: number, end: number, write: (value: number | bigint) => string): string {
  let text = '';
  for (let index = start; index < end; index++) {
    const value = data[index] ?? 0;
    text += index === start ? write(value) : `,${write(value)}`;
  }
  return text;
}

function isTexts(data: Tensor['data']): data is readonly string[] {
  return Array.isArray(data);
}
