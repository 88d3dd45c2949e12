import { isUtf8 } from 'node:buffer';
import { SlipwayError } from '@slipway/contracts';
import { datatypeFacts, type TensorData, viewNumericData } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type TensorHead } from '../tensors/tensor.js';
import { takeMemory } from './input-memory.js';
import { checkText, maxTextElements } from './read-json-data.js';

/**
 * Reads the bytes of one input: little-endian, row-major, no padding; BYTES elements each behind their length (u32).
 * The result is a view of the bytes where they are aligned, else a copy.
 * @throws SlipwayError INFER_INVALID when bytes and shape do not agree.
 */
export function readBinaryData(head: TensorHead, bytes: Buffer): TensorData {
  const count = elementCount(head.shape);
  if (head.datatype === 'BYTES') return readTexts(head, bytes, count);
  const size = datatypeFacts[head.datatype].bytes;
  if (count * size !== bytes.length) {
    throw invalid(head, `expected ${count * size} bytes for ${head.datatype} ${JSON.stringify(head.shape)}, given ${bytes.length}`);
  }
  if (head.datatype === 'BOOL') checkBooleans(head, bytes);
  if (bytes.byteOffset % size === 0) return viewNumericData(head.datatype, bytes.buffer, bytes.byteOffset, count);
  // Typed arrays need aligned memory, and where a tensor starts in a body is for the caller to choose.
  const data = takeMemory(head.datatype, count);
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes);
  return data;
}

function checkBooleans(head: TensorHead, bytes: Buffer): void {
  const wrong = bytes.findIndex((byte) => byte > 1);
  if (wrong !== -1) throw invalid(head, `expected bytes 0 or 1 for BOOL, given ${bytes[wrong]} at element ${wrong}`);
}

function readTexts(head: TensorHead, bytes: Buffer, count: number): string[] {
  if (count * 4 > bytes.length) throw invalid(head, `expected ${count} elements, each behind its 4-byte length, given ${bytes.length} bytes`);
  if (count > maxTextElements) {
    throw new SlipwayError('INFER_TOO_LARGE', `input ${quote(head.name)}: ${count} texts are over the limit of ${maxTextElements} in one request`);
  }
  const texts: string[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 4 > bytes.length) throw invalid(head, `the bytes end before element ${index} of ${count}`);
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    if (at > bytes.length) throw invalid(head, `the bytes end within element ${index} of ${count}`);
    const element = bytes.subarray(start, at);
    if (!isUtf8(element)) throw invalid(head, `element ${index} is not UTF-8, the only form of text the runtime has`);
    texts.push(checkText(element.toString('utf8'), head));
  }
  if (at !== bytes.length) throw invalid(head, `expected ${count} elements, but ${bytes.length - at} bytes are left over`);
  return texts;
}

function invalid(head: TensorHead, message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', `input ${quote(head.name)}: ${message}`);
}
