import type { FrameBody } from '@slipway/inference';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from './message-reader.js';

function framed(body: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function joined(body: FrameBody): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.concat(body);
}

function all(reader: MessageReader): Buffer[] {
  const found: Buffer[] = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) found.push(joined(message.body));
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
    const body = reader.next()?.body;
    expect(Buffer.isBuffer(body) && body.buffer === chunk.buffer).toBe(true);
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
    expect(reader.next()).toEqual({ isCompressed: true, body: Buffer.alloc(10), bytes: 10 });
  });

  it('keeps a message that comes in large chunks in its pieces, and puts one together that comes byte by byte', () => {
    const message = framed(Buffer.alloc(100_000, 7));
    const large = new MessageReader(100_000);
    for (let at = 0; at < message.length; at += 20_001) large.push(message.subarray(at, at + 20_001));
    const body = large.next()?.body;
    expect(Array.isArray(body) && body.every((piece) => piece.buffer === message.buffer)).toBe(true);
    const small = new MessageReader(100_000);
    let last: FrameBody = [];
    for (let at = 0; at < message.length; at++) {
      small.push(message.subarray(at, at + 1));
      last = small.next()?.body ?? last;
    }
    expect(Array.isArray(last) && last.length < 20).toBe(true);
    expect(joined(last)).toEqual(message.subarray(5));
  });
});
