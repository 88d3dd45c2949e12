import { describe, expect, it } from 'vitest';
import { formatBytes, formatNumber, formatRatio, formatSeconds, plural } from './format-number';

describe('numbers for people', () => {
  it.each([
    [null, '–'],
    [0, '0'],
    [0.00012, '0.0001'],
    [0.0523, '0.052'],
    [1.5, '1.5'],
    [41.23, '41.2'],
    [999.6, '1000'],
    [12_400, '12 400'],
    [-2.4689, '-2.47'],
    [Number.POSITIVE_INFINITY, '∞'],
  ])('formats %s as %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [0.00018, '180 µs'],
    [0.0412, '41.2 ms'],
    [1.2, '1.2 s'],
    [600, '10 min'],
    [null, '–'],
  ])('formats %s seconds as %s', (value, text) => {
    expect(formatSeconds(value)).toBe(text);
  });

  it('never rounds a failure away', () => {
    expect(formatRatio(0)).toBe('0 %');
    expect(formatRatio(0.00001)).toBe('< 0.01 %');
    expect(formatRatio(0.999999)).toBe('> 99.99 %');
    expect(formatRatio(1)).toBe('100 %');
    expect(formatRatio(0.0123)).toBe('1.23 %');
  });

  it('names bytes in powers of 1024 and nouns by count', () => {
    expect(formatBytes(512)).toBe('512 B');
    expect(formatBytes(1536)).toBe('1.5 KiB');
    expect(formatBytes(84 * 1024 * 1024)).toBe('84 MiB');
    expect(plural(1, 'request')).toBe('1 request');
    expect(plural(2000, 'request')).toBe('2 000 requests');
  });
});
