import { describe, expect, it } from 'vitest';
import { safeProse, safeText } from './safe-text';

describe('text from a model file', () => {
  it('leaves ordinary names alone, in any script', () => {
    expect(safeText('input_1:0')).toBe('input_1:0');
    expect(safeText('mittlere Länge 長さ')).toBe('mittlere Länge 長さ');
  });

  it('shows direction overrides and controls instead of obeying them', () => {
    expect(safeText('abc\u202Egnp.exe')).toBe('abc\uFFFDgnp.exe');
    expect(safeText('a\u0000b\u001B[31m')).toBe('a\uFFFDb\uFFFD[31m');
  });

  it('cuts by characters, not in the middle of one', () => {
    expect(safeText('😀'.repeat(100), 10)).toBe(`${'😀'.repeat(9)}…`);
    expect(Array.from(safeText('x'.repeat(1_000_000), 80))).toHaveLength(80);
  });

  it('keeps the lines of prose', () => {
    expect(safeProse('one\r\ntwo')).toBe('one\ntwo');
    expect(safeProse('x'.repeat(5_000), 100)).toHaveLength(100);
  });
});
