import type { Tensor } from '../tensors/tensor.js';

/** A tensor's bytes as the binary extension has them: little-endian, row-major; BYTES elements each behind their length (u32). Numbers are a view. */
export function binaryDataOf(tensor: Tensor): Buffer {
  const { data } = tensor;
  if (!isTexts(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const texts = data.map((text) => Buffer.from(text, 'utf8'));
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + 4 + text.length, 0));
  let at = 0;
  for (const text of texts) {
    at = bytes.writeUInt32LE(text.length, at);
    at += text.copy(bytes, at);
  }
  return bytes;
}

function isTexts(data: Tensor['data']): data is readonly string[] {
  return Array.isArray(data);
}
