import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from './json-writer.js';

const scratch = 64 * 1024;

describe('JsonWriter', () => {
  it('keeps nothing of what it has finished', () => {
    const writer = new JsonWriter();
    writer.begin();
    writer.utf8('€'.repeat(scratch));
    expect(writer.finish([], 0)).toHaveLength(3 * scratch);
    expect(writer.length).toBe(0);
  });

  it('joins what it is given, whatever its length, into one buffer with the tails behind it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.integer({ min: 0, max: 30 }).map((length) => '€'.repeat(length * 1000)),
    );
    const length = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constantFrom(scratch - 1, scratch, scratch + 1, 3 * scratch));
    const part = fc.oneof(
      text.map((given) => ({ kind: 'utf8' as const, given })),
      length.map((given) => ({ kind: 'ascii' as const, given: 'a'.repeat(given) })),
      length.map((given) => ({ kind: 'raw' as const, given: 'r'.repeat(given) })),
    );
    const writer = new JsonWriter();
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 3 }), (parts, tails) => {
        writer.begin();
        for (const { kind, given } of parts) {
          if (kind === 'raw') writer.raw(Buffer.from(given));
          else writer[kind](given);
          writer.byte(0x2c);
          writer.smallInteger(7);
        }
        const bytes = tails.map((size, index) => Buffer.alloc(size, index));
        const expected = Buffer.concat([Buffer.from(parts.map(({ given }) => `${given},7`).join('')), ...bytes]);
        expect(writer.length).toBe(expected.length - tails.reduce((sum, size) => sum + size, 0));
        expect(
          writer
            .finish(
              bytes,
              tails.reduce((sum, size) => sum + size, 0),
            )
            .equals(expected),
        ).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('writes more values than fit at once without a seam', () => {
    const writer = new JsonWriter();
    writer.begin();
    const data = Float32Array.from({ length: 20_001 }, (_, index) => index / 7);
    writer.singles(data);
    const read = writer.finish([], 0).toString('latin1').split(',').map(Number);
    expect(Float32Array.from(read)).toEqual(data);
  });

  it('keeps nothing of what was begun and not finished, and never gives its scratch away', () => {
    const writer = new JsonWriter();
    writer.begin();
    writer.ascii('a'.repeat(scratch + 1));
    writer.begin();
    writer.ascii('first');
    const first = writer.finish([], 0);
    writer.begin();
    writer.ascii('second');
    expect([first.toString(), writer.finish([], 0).toString()]).toEqual(['first', 'second']);
  });
});
