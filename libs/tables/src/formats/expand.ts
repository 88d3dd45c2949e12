import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { decompress as expandZstd } from 'fzstd';
import { snappyUncompress } from 'hyparquet';
import { unreadable } from '../table.js';
import { expandLz4Block, expandLz4Frame, expandLz4Hadoop } from './lz4.js';

export const codecs = ['SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4', 'LZ4_RAW', 'LZ4_FRAME'] as const;
export type Codec = (typeof codecs)[number];

/**
 * Expands a compressed part of a file. The size that the file announces is checked before anything is allocated, and nothing grows
 * beyond it, whatever the compressed bytes say.
 * @throws SlipwayError TABLE_UNREADABLE
 */
export function expand(codec: Codec, input: Uint8Array, bytes: number, maxBytes: number): Uint8Array {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw unreadable('a compressed part of the file announces an impossible size');
  if (bytes > maxBytes)
    throw unreadable(
      `a compressed part of the file expands to ${bytes} bytes; at most ${maxBytes} are read at once. Write it with smaller row groups or batches`,
    );
  const output = expandWith(codec, input, bytes);
  if (output.length !== bytes) throw unreadable(`a compressed part of the file has ${output.length} bytes where ${bytes} were announced`);
  return output;
}

function expandWith(codec: Codec, input: Uint8Array, bytes: number): Uint8Array {
  // Node takes no bound of 0.
  const maxOutputLength = Math.max(1, bytes);
  try {
    switch (codec) {
      case 'GZIP':
        return gunzipSync(input, { maxOutputLength });
      case 'BROTLI':
        return brotliDecompressSync(input, { maxOutputLength });
      case 'ZSTD':
        return expandZstd(input, new Uint8Array(bytes));
      case 'SNAPPY':
        return into(bytes, (output) => snappyUncompress(input, output));
      case 'LZ4_RAW':
        return into(bytes, (output) => expandLz4Block(input, output, 0));
      case 'LZ4':
        return expandLz4Hadoop(input, bytes);
      case 'LZ4_FRAME':
        return expandLz4Frame(input, bytes);
    }
  } catch (error) {
    throw unreadable(`a compressed part of the file (${codec}) is damaged`, error);
  }
}

function into(bytes: number, write: (output: Uint8Array) => unknown): Uint8Array {
  const output = new Uint8Array(bytes);
  write(output);
  return output;
}
