import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyPieces } from './body-pieces.js';

function piecesOf(chunks: readonly Buffer[]): readonly Buffer[] {
  const pieces = new BodyPieces();
  for (const chunk of chunks) pieces.add(chunk);
  const body = pieces.take();
  return Buffer.isBuffer(body) ? [body] : body;
}

describe('the pieces of a body', () => {
  it('are its bytes in their order, however it was cut', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 3_000, max: 9_000 }));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 60 }), (sizes) => {
        let value = 0;
        const chunks = sizes.map((bytes) => Buffer.from(Array.from({ length: bytes }, () => value++ % 251)));
        expect(Buffer.concat(piecesOf(chunks)).equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it('are few even when it comes byte by byte', () => {
    const bytes = 500_000;
    const pieces = piecesOf(Array.from({ length: bytes }, () => Buffer.from('x')));
    expect(pieces.length).toBeLessThan(30);
    expect(pieces.reduce((sum, piece) => sum + piece.buffer.byteLength, 0)).toBeLessThan(2 * bytes);
  });

  it('are those it came in where they are large', () => {
    const chunks = [Buffer.alloc(100), Buffer.alloc(60_000), Buffer.alloc(4_096)];
    const pieces = piecesOf(chunks);
    expect(pieces).toHaveLength(3);
    chunks.forEach((chunk, index) => {
      expect(pieces[index]).toBe(chunk);
    });
  });

  it('are none of an earlier body', () => {
    const pieces = new BodyPieces();
    pieces.add(Buffer.from('ab'));
    pieces.add(Buffer.from('c'));
    pieces.clear();
    pieces.add(Buffer.from('d'));
    expect(pieces.take()).toEqual(Buffer.from('d'));
  });
});
