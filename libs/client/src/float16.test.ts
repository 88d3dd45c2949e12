import { fromFloat16 as serverValue } from '@slipway/inference';
import { expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.js';

it('reads every 16 bits as the server does, and gives them back', () => {
  for (let half = 0; half < 65536; half++) {
    const value = fromFloat16(half);
    expect(value).toBe(serverValue(half));
    if (!Number.isNaN(value)) expect(toFloat16(value)).toBe(half);
  }
});

it.each([
  { name: 'a tie goes to the even neighbour below', value: 1 + 2 ** -11, bits: 0x3c00 },
  { name: 'a tie goes to the even neighbour above', value: 1 + 3 * 2 ** -11, bits: 0x3c02 },
  { name: 'rounding carries into the next power of two', value: 2047.9, bits: 0x6800 },
  { name: 'just below a power of two', value: 2 - 2 ** -52, bits: 0x4000 },
  { name: 'half a step above the largest is infinite', value: 65520, bits: 0x7c00 },
  { name: 'half the smallest is zero, being a tie', value: -(2 ** -25), bits: 0x8000 },
  { name: 'not a number', value: Number.NaN, bits: 0x7e00 },
])('$name', ({ value, bits }) => {
  expect(toFloat16(value)).toBe(bits);
});
