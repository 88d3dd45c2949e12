import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../answers.js';
import { Inflater } from './inflater.js';

const text = Buffer.from('a message '.repeat(100));

function expand(inflater: Inflater, body: Buffer, encoding: string | undefined, maxBytes = 10_000): Promise<Buffer | Refusal> {
  return new Promise((resolve) => inflater.expand(body, encoding, maxBytes, resolve));
}

describe('Inflater', () => {
  it('expands gzip and deflate, each up to its bound', async () => {
    const inflater = new Inflater();
    expect(await expand(inflater, gzipSync(text), 'gzip', text.length)).toEqual(text);
    expect(await expand(inflater, deflateSync(text), 'deflate', text.length)).toEqual(text);
    expect(await expand(inflater, gzipSync(text), 'gzip', text.length - 1)).toMatchObject({ code: 'BODY_TOO_LARGE' });
  });

  it.each([
    { name: 'no word how', body: text, encoding: undefined, code: 'INFER_INVALID' },
    { name: 'identity', body: text, encoding: 'identity', code: 'INFER_INVALID' },
    { name: 'what it does not know', body: text, encoding: 'snappy', code: 'ENCODING_UNSUPPORTED' },
    { name: 'what is not what it says', body: text, encoding: 'gzip', code: 'INFER_INVALID' },
    { name: 'what is cut', body: gzipSync(text).subarray(0, 20), encoding: 'gzip', code: 'INFER_INVALID' },
  ])('refuses $name', async ({ body, encoding, code }) => {
    expect(await expand(new Inflater(), body, encoding)).toMatchObject({ code });
  });

  it('expands a few at a time, and all in the end', async () => {
    const inflater = new Inflater(2);
    const zipped = gzipSync(text);
    let most = 0;
    const all = Array.from({ length: 20 }, () => expand(inflater, zipped, 'gzip'));
    const look = () => {
      const running: unknown = Reflect.get(inflater, 'running');
      most = Math.max(most, Number(running));
    };
    look();
    for (const each of all) {
      expect(await each).toEqual(text);
      look();
    }
    expect(most).toBe(2);
    expect(Reflect.get(inflater, 'running')).toBe(0);
  });
});
