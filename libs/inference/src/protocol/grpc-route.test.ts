import { SlipwayError } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGrpcRoute } from './grpc-route.js';

/** A protobuf field with a length. */
function field(number: number, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.of(number * 8 + 2, body.length), body]);
}
function parameter(name: string, value: Buffer): Buffer {
  return field(4, field(1, name), field(2, value));
}

describe('readGrpcRoute', () => {
  it('reads names, id and parameters wherever they stand, and passes over the rest', () => {
    const body = Buffer.concat([
      field(7, Buffer.alloc(100, 0xff)),
      parameter('priority', Buffer.of(5 * 8, 3)),
      parameter('timeout', Buffer.of(2 * 8, 0xe8, 0x07)),
      parameter('triton_enable_empty_final_response', Buffer.of(8, 1)),
      field(5, Buffer.alloc(20, 0xff)),
      field(1, 'fraud'),
      field(2, '12'),
      field(3, 'r-ä'),
    ]);
    expect(readGrpcRoute(body)).toEqual({
      modelName: 'fraud',
      modelVersion: '12',
      id: 'r-ä',
      priority: 3,
      timeoutMicros: 1000,
      wantsFinalResponse: true,
      rawStart: 2,
    });
  });

  it('takes what is not there for not said, and 0 for not meant', () => {
    const nothing = {
      modelName: '',
      modelVersion: '',
      id: '',
      priority: undefined,
      timeoutMicros: undefined,
      wantsFinalResponse: false,
      rawStart: undefined,
    };
    expect(readGrpcRoute(Buffer.alloc(0))).toEqual(nothing);
    expect(readGrpcRoute(parameter('priority', Buffer.of(5 * 8, 0)))).toEqual(nothing);
    expect(readGrpcRoute(parameter('timeout', field(3, 'soon')))).toEqual(nothing);
  });

  it('reads the same of a message in pieces, wherever it is cut, also where it has to refuse it', () => {
    const large = (number: number, bytes: number) =>
      Buffer.concat([Buffer.of(number * 8 + 2, (bytes & 0x7f) | 0x80, bytes >> 7), Buffer.alloc(bytes, 0x41)]);
    const parts = fc.constantFrom(
      field(1, 'fraud'),
      field(2, '12'),
      field(3, 'r-ä'),
      parameter('priority', Buffer.of(5 * 8, 3)),
      field(5, Buffer.alloc(20, 0xff)),
      large(7, 9_000),
      large(7, 3_000),
      large(3, 6_000),
      Buffer.of(98 * 8 - 640, 7),
      Buffer.of(0x0a, 5, 0x61),
      Buffer.of(0x0b, 0x0c),
      Buffer.of(0x0f),
    );
    const said = (body: Buffer | Buffer[]) => {
      try {
        return readGrpcRoute(body);
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
        return error.code;
      }
    };
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1 }), (fields, sizes) => {
        const whole = Buffer.concat(fields);
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(whole.subarray(at, at + size));
          at += size;
        }
        expect(said(pieces)).toEqual(said(whole));
      }),
      { numRuns: 1_000 },
    );
  });

  it('passes over megabytes of pieces without putting them together', () => {
    const bytes = 8 * 1024 * 1024;
    const tag = Buffer.concat([Buffer.of(7 * 8 + 2), Buffer.of(0x80, 0x80, 0x80, 0x04)]);
    const piece = Buffer.alloc(64 * 1024);
    const pieces = [Buffer.concat([field(1, 'fraud'), tag]), ...Array.from({ length: bytes / piece.length }, () => piece), field(3, 'end')];
    const before = process.memoryUsage().arrayBuffers;
    expect(readGrpcRoute(pieces)).toMatchObject({ modelName: 'fraud', id: 'end', rawStart: 12 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });

  it.each([
    { name: 'cut', body: Buffer.of(0x0a, 5, 0x61) },
    { name: 'groups', body: Buffer.alloc(10_000, 0x0b) },
    { name: 'a name that is no text', body: Buffer.of(0x08, 1) },
  ])('refuses bytes that are no message: $name', ({ body }) => {
    expect(() => readGrpcRoute(body)).toThrow(expect.objectContaining({ code: 'INFER_INVALID' }));
  });
});
