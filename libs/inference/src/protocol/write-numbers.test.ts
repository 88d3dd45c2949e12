import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeSingle, writeSmallInteger } from './write-numbers.js';

function single(value: number): string {
  const bytes = new Uint8Array(40);
  return Buffer.from(bytes.subarray(4, writeSingle(bytes, 4, value))).toString('latin1');
}

const bits = new Uint32Array(1);
const singles = new Float32Array(bits.buffer);

function ofBits(given: number): number {
  bits[0] = given;
  return singles[0] ?? 0;
}

describe('writeSingle', () => {
  it.each([
    [0, '0'],
    [-0, '-0.0'],
    [1, '1'],
    [-1, '-1'],
    [0.1, '0.1'],
    [0.12, '0.12'],
    [-0.5, '-0.5'],
    [3.14159274, '3.1415927'],
    [1 / 3, '0.33333334'],
    [16777216, '16777216'],
    [8388608.5, '8388608'],
    [999999999, '1000000000'],
    [4194303.75, '4194303.8'],
    [1e-5, '0.00001'],
    [1.5e-5, '0.000015'],
    [0.999999, '0.999999'],
    [9.9999999, '10'],
    [1e-6, '1e-6'],
    [1.1e-6, '0.0000011'],
    [9.99e-7, '9.99e-7'],
    [5e-10, '5e-10'],
    [1.2345e-12, '1.2345e-12'],
    [3.4028234663852886e38, '3.4028234663852886e+38'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
  ])('writes %s as %s', (value, text) => {
    expect(single(Math.fround(value))).toBe(text);
  });

  it('reads back as the same binary32, whatever its bits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (given) => {
        const value = ofBits(given);
        const text = single(value);
        if (Number.isNaN(value)) expect(text).toBe('NaN');
        else expect(Math.fround(Number(text))).toBe(value);
        expect(text.length).toBeLessThanOrEqual(String(value).length + 2);
      }),
      { numRuns: 20_000 },
    );
  });

  it('reads back as the same binary32 around every power of two and of ten', () => {
    for (let exponent = 0; exponent < 255; exponent++) {
      for (let offset = -3; offset <= 3; offset++) {
        const value = ofBits(((exponent << 23) + offset) >>> 0);
        if (!Number.isNaN(value)) expect(Math.fround(Number(single(value)))).toBe(value);
      }
    }
    for (let power = -45; power <= 38; power++) {
      singles[0] = Number(`1e${power}`);
      const around = bits[0] ?? 0;
      for (let offset = -3; offset <= 3; offset++) {
        const value = ofBits((around + offset) >>> 0);
        expect(Math.fround(Number(single(value)))).toBe(value);
      }
    }
  });

  it('writes short decimals as people wrote them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (digits, scale) => {
        const value = digits / 10 ** scale;
        expect(Number(single(Math.fround(value)))).toBe(value);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('writeSmallInteger', () => {
  it('writes every length', () => {
    for (const value of [
      0, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000, 999999, 1e6, 9999999, 1e7, 99999999, 1e8, 999999999, 1e9, 2147483647,
    ]) {
      const bytes = new Uint8Array(16);
      expect(Buffer.from(bytes.subarray(0, writeSmallInteger(bytes, 0, value))).toString('latin1')).toBe(String(value));
    }
  });
});
