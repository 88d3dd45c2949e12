import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, type FrameHeader, maxHeaderBytes, writeHeader } from './frame-header.js';
import { type Frame, FrameDecoder, frameTypes } from './frames.js';
import { encodeFrameHead } from './testing/encode-frame-head.js';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u8 = fc.integer({ min: 0, max: 255 });
const headers: fc.Arbitrary<FrameHeader> = fc.record(
  {
    predictionId: fc.string({ unit: 'grapheme', maxLength: 40 }),
    contentType: fc.string({ maxLength: 40 }),
    clientId: fc.string({ unit: 'grapheme', maxLength: 40 }),
    deadlineMs: u32,
    rows: u32,
    status: fc.integer({ min: 0, max: 65535 }),
    kind: u8,
    invalidOutput: u8,
    observe: u8,
    observedBytes: u32,
  },
  { requiredKeys: [] },
);
const frames = fc.array(
  fc.record({ type: fc.constantFrom(...Object.values(frameTypes)), stream: u32, header: headers, body: fc.uint8Array({ maxLength: 300 }) }),
  { minLength: 1, maxLength: 8 },
);

describe('frames', () => {
  it('come out as they went in, however their bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), fc.boolean(), (sent, sizes, isBorrowed) => {
        const bytes = Buffer.concat(
          sent.flatMap(({ type, stream, header, body }) => [encodeFrameHead(type, stream, header, body.length), Buffer.from(body)]),
        );
        const got: Frame[] = [];
        const decoder = new FrameDecoder((frame) => got.push({ ...frame, header: Buffer.from(frame.header) }), { isBorrowed });
        const borrowed = Buffer.alloc(64);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          const chunk = bytes.subarray(at, at + size);
          chunk.copy(borrowed);
          decoder.push(isBorrowed ? borrowed.subarray(0, chunk.length) : chunk);
          at += size;
        }
        const seen = got.map(({ type, stream, header, body }) => ({ type, stream, header: decodeHeader(header), body: Uint8Array.from(body) }));
        expect(seen).toEqual(sent);
      }),
    );
  });

  it('puts large frames together in memory where the tensors behind their JSON are aligned', () => {
    const cut = fc.array(fc.integer({ min: 500, max: 15_000 }), { minLength: 1, maxLength: 20 });
    const large = fc.record({ jsonBytes: fc.integer({ min: 0, max: 100 }), bytes: fc.integer({ min: 17_000, max: 60_000 }) });
    fc.assert(
      fc.property(fc.array(large, { minLength: 1, maxLength: 3 }), cut, fc.boolean(), (sent, sizes, isBorrowed) => {
        const bodies = sent.map(({ bytes }, index) => Buffer.alloc(bytes, index + 1));
        const stream = Buffer.concat(
          sent.flatMap(({ jsonBytes }, index) => {
            const body = bodies[index] ?? Buffer.alloc(0);
            return [
              encodeFrameHead(frameTypes.INFER, index, { inferenceHeaderContentLength: jsonBytes, predictionId: 'p'.repeat(index) }, body.length),
              body,
            ];
          }),
        );
        const got: Frame[] = [];
        const decoder = new FrameDecoder((frame) => got.push(frame), { isBorrowed });
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          decoder.push(Buffer.from(stream.subarray(at, at + size)));
          at += size;
        }
        expect(got.map(({ body }) => body.length)).toEqual(bodies.map((body) => body.length));
        got.forEach(({ body }, index) => {
          expect(body.equals(bodies[index] ?? Buffer.alloc(0))).toBe(true);
          expect((body.byteOffset + (sent[index]?.jsonBytes ?? 0)) % 8).toBe(0);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('refuses a frame over the bound, and takes one at the bound', () => {
    const frame = (bodyBytes: number) => Buffer.concat([encodeFrameHead(frameTypes.INFER, 1, {}, bodyBytes), Buffer.alloc(bodyBytes)]);
    const got: Frame[] = [];
    const decoder = new FrameDecoder((each) => got.push(each), { maxBytes: 112 });
    decoder.push(frame(100));
    expect(got.length).toBe(1);
    expect(() => decoder.push(frame(101).subarray(0, 4))).toThrow('outside the bound of 112');
  });

  it('refuses a frame that is shorter than its own head, and a header that is longer than its frame', () => {
    const push = (bytes: Buffer) => () => new FrameDecoder(() => undefined).push(bytes);
    expect(push(Buffer.from([3, 0, 0, 0, 1, 2, 3]))).toThrow('outside the bound');
    const lying = encodeFrameHead(frameTypes.INFER, 1, {}, 4);
    lying.writeUInt16LE(500, 9);
    expect(push(Buffer.concat([lying, Buffer.alloc(4)]))).toThrow('header is longer');
  });
});

it('a header fits the room that is kept for it, whatever it says', () => {
  fc.assert(fc.property(headers, (header) => void expect(writeHeader(Buffer.alloc(maxHeaderBytes), 0, header)).toBeLessThanOrEqual(maxHeaderBytes)));
});

describe('header map', () => {
  const encodeHeader = (header: FrameHeader): Buffer => {
    const target = Buffer.alloc(maxHeaderBytes);
    return target.subarray(0, writeHeader(target, 0, header));
  };

  it('skips keys it does not know', () => {
    const known = encodeHeader({ rows: 5 });
    const unknown = Buffer.from([200, 2, 0, 1, 2]);
    expect(decodeHeader(Buffer.concat([known.subarray(0, 1), unknown, known.subarray(1)]))).toEqual({ rows: 5 });
  });

  it('saturates numbers at their width and cuts endless texts', () => {
    expect(decodeHeader(encodeHeader({ deadlineMs: Number.POSITIVE_INFINITY, kind: Number.NaN }))).toEqual({ deadlineMs: 2 ** 32 - 1, kind: 0 });
    expect(decodeHeader(encodeHeader({ deadlineMs: 1e12, kind: -1 }))).toEqual({ deadlineMs: 2 ** 32 - 1, kind: 0 });
    expect(decodeHeader(encodeHeader({ clientId: 'é'.repeat(5000) })).clientId).toBe('é'.repeat(512));
  });

  it('refuses an entry that reaches past the end', () => {
    expect(() => decodeHeader(Buffer.from([1, 1, 9, 0, 65]))).toThrow('malformed');
    expect(() => decodeHeader(Buffer.from([1, 14, 2, 0, 1, 1]))).toThrow('malformed');
  });
});
