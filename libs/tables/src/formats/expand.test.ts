import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codecs, expand } from './expand.js';

const megabyte = 1024 * 1024;

describe('expand', () => {
  it.each(codecs)('%s: refuses an announced size over the limit before it makes room for it', (codec) => {
    const before = process.memoryUsage().arrayBuffers;
    expect(() => expand(codec, new Uint8Array(16), 2 ** 40, 64 * megabyte)).toThrow(/expands to 1099511627776 bytes; at most 67108864/);
    expect(() => expand(codec, new Uint8Array(16), Number.NaN, 64 * megabyte)).toThrow(/impossible size/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(megabyte);
  });

  it.each([
    ['GZIP', gzipSync(Buffer.alloc(64 * megabyte))],
    ['BROTLI', brotliCompressSync(Buffer.alloc(8 * megabyte))],
  ] as const)('%s: a bomb does not grow beyond what it announced', (codec, bomb) => {
    expect(() => expand(codec, bomb, 1_000, 64 * megabyte)).toThrow(/damaged/);
  });

  it.each(codecs)('%s: says that noise is damaged', (codec) => {
    expect(() => expand(codec, randomBytes(400), 5_000, megabyte)).toThrow(/compressed part of the file/);
  });

  it('gives what was compressed', () => {
    expect(Buffer.from(expand('GZIP', gzipSync('abc'), 3, 10)).toString()).toBe('abc');
    expect(Buffer.from(expand('BROTLI', brotliCompressSync('abc'), 3, 10)).toString()).toBe('abc');
    expect(expand('GZIP', gzipSync(''), 0, 10)).toHaveLength(0);
  });
});
