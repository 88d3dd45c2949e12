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
    });
  });

  it('takes what is not there for not said, and 0 for not meant', () => {
    const nothing = { modelName: '', modelVersion: '', id: '', priority: undefined, timeoutMicros: undefined, wantsFinalResponse: false };
    expect(readGrpcRoute(Buffer.alloc(0))).toEqual(nothing);
    expect(readGrpcRoute(parameter('priority', Buffer.of(5 * 8, 0)))).toEqual(nothing);
    expect(readGrpcRoute(parameter('timeout', field(3, 'soon')))).toEqual(nothing);
  });

  it.each([
    { name: 'cut', body: Buffer.of(0x0a, 5, 0x61) },
    { name: 'groups', body: Buffer.alloc(10_000, 0x0b) },
    { name: 'a name that is no text', body: Buffer.of(0x08, 1) },
  ])('refuses bytes that are no message: $name', ({ body }) => {
    expect(() => readGrpcRoute(body)).toThrow(expect.objectContaining({ code: 'INFER_INVALID' }));
  });
});
