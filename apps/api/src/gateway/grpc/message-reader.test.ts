import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from './message-reader.js';

function framed(body: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function all(reader: MessageReader): Buffer[] {
  const found: Buffer[] = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) found.push(message.body);
  return found;
}

describe('MessageReader', () => {
  it('gives the messages as they were, however their bytes are cut', () => {
    const bodies = fc.array(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (messages, sizes) => {
        const stream = Buffer.concat(messages.map((body) => framed(body)));
        const reader = new MessageReader(100);
        const found: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          reader.push(stream.subarray(at, at + size));
          found.push(...all(reader));
          at += size;
        }
        expect(found).toEqual(messages);
        expect(reader.waitingBytes).toBe(0);
      }),
    );
  });

  it('views a message that came in one piece', () => {
    const chunk = framed(Buffer.from('abc'));
    const reader = new MessageReader(10);
    reader.push(chunk);
    expect(reader.next()?.body.buffer).toBe(chunk.buffer);
  });

  it('refuses a message over the limit by its length alone, and flags that nobody knows', () => {
    const large = new MessageReader(10);
    large.push(framed(Buffer.alloc(11)).subarray(0, 5));
    expect(() => large.next()).toThrow(expect.objectContaining({ code: 'BODY_TOO_LARGE' }));
    const odd = new MessageReader(10);
    odd.push(framed(Buffer.alloc(1), 2));
    expect(() => odd.next()).toThrow(expect.objectContaining({ code: 'INFER_INVALID' }));
  });

  it('says what is compressed, and takes a message at the limit', () => {
    const reader = new MessageReader(10);
    reader.push(framed(Buffer.alloc(10), 1));
    expect(reader.next()).toEqual({ isCompressed: true, body: Buffer.alloc(10) });
  });

  it('keeps few pieces of a message that comes byte by byte', () => {
    const message = framed(Buffer.alloc(100_000, 7));
    const reader = new MessageReader(100_000);
    let most = 0;
    for (let at = 0; at < message.length; at++) {
      reader.push(message.subarray(at, at + 1));
      const chunks: unknown = Reflect.get(reader, 'chunks');
      if (Array.isArray(chunks)) most = Math.max(most, chunks.length);
    }
    expect(most).toBeLessThan(1_200);
    expect(all(reader)).toEqual([Buffer.alloc(100_000, 7)]);
  });
});
