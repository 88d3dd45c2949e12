import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandLz4Block, expandLz4Frame, expandLz4Hadoop } from './lz4.js';

/** A block of literals alone. */
function literals(bytes: Uint8Array): Uint8Array {
  const head =
    bytes.length < 15
      ? [bytes.length << 4]
      : [0xf0, ...new Array<number>(Math.floor((bytes.length - 15) / 255)).fill(255), (bytes.length - 15) % 255];
  return Uint8Array.of(...head, ...bytes);
}

function frame(blocks: readonly Uint8Array[], stored = false): Uint8Array {
  const parts = blocks.map((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE((block.length | (stored ? 0x80000000 : 0)) >>> 0);
    return Buffer.concat([size, block]);
  });
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]), ...parts, Buffer.alloc(4)]);
}

describe('LZ4', () => {
  it('expands literals of any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        const output = new Uint8Array(bytes.length);
        expect(expandLz4Block(literals(bytes), output, 0)).toBe(bytes.length);
        expect(output).toEqual(bytes);
        expect(expandLz4Frame(frame([literals(bytes)]), bytes.length)).toEqual(bytes);
        if (bytes.length > 0) expect(expandLz4Frame(frame([bytes], true), bytes.length)).toEqual(bytes);
      }),
    );
  });

  it('repeats matches that overlap themselves and reach back over blocks', () => {
    // One literal, then a match of 10 at distance 1, then a literal.
    const block = Uint8Array.of(0x16, 0x61, 0x01, 0x00, 0x10, 0x62);
    const output = new Uint8Array(12);
    expect(expandLz4Block(block, output, 0)).toBe(12);
    expect(Buffer.from(output).toString()).toBe('aaaaaaaaaaab');
    const across = frame([literals(Buffer.from('abcd')), Uint8Array.of(0x00, 0x04, 0x00, 0x10, 0x21)]);
    expect(Buffer.from(expandLz4Frame(across, 9)).toString()).toBe('abcdabcd!');
  });

  it('reads the old framing with sizes in front, and a bare block', () => {
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32BE(3, 0);
    sizes.writeUInt32BE(4, 4);
    const framed = Buffer.concat([sizes, literals(Buffer.from('xyz'))]);
    expect(Buffer.from(expandLz4Hadoop(framed, 3)).toString()).toBe('xyz');
    expect(Buffer.from(expandLz4Hadoop(literals(Buffer.from('xyz')), 3)).toString()).toBe('xyz');
  });

  it('never writes beyond what was announced, whatever the bytes say', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(64), (bytes, room) => {
        const memory = new Uint8Array(room + 16).fill(7);
        try {
          expandLz4Block(bytes, memory.subarray(0, room), 0);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        expect(memory.subarray(room)).toEqual(new Uint8Array(16).fill(7));
      }),
    );
  });
});
