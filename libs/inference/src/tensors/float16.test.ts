import { describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.js';

describe('float16', () => {
  it('gives back the bits of every 16-bit value that is a number', () => {
    for (let half = 0; half < 65536; half++) {
      if ((half & 0x7fff) > 0x7c00) expect(fromFloat16(half)).toBeNaN();
      else expect(toFloat16(fromFloat16(half))).toBe(half);
    }
  });

  it.each([
    { name: 'a tie goes to the even neighbour below', value: 1 + 2 ** -11, bits: 0x3c00 },
    { name: 'a tie goes to the even neighbour above', value: 1 + 3 * 2 ** -11, bits: 0x3c02 },
    { name: 'just over a tie goes up', value: 1 + 2 ** -11 + 2 ** -40, bits: 0x3c01 },
    { name: 'rounding carries into the next power of two', value: 2047.9, bits: 0x6800 },
    { name: 'the largest value', value: 65504, bits: 0x7bff },
    { name: 'half a step above the largest is infinite', value: 65520, bits: 0x7c00 },
    { name: 'the smallest subnormal', value: 2 ** -24, bits: 1 },
    { name: 'half the smallest is zero, being a tie', value: -(2 ** -25), bits: 0x8000 },
  ])('$name', ({ value, bits }) => {
    expect(toFloat16(value)).toBe(bits);
  });
});
