import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from './exact-json.js';

describe('parseExactJson', () => {
  it('reads whatever JSON.parse reads, alike', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(JSON.stringify(parseExactJson(text), rounded)).toEqual(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('keeps what JSON.parse would round or refuse, and leaves texts alone', () => {
    const value = parseExactJson(
      '{"a":[NaN,-Infinity,Infinity,18446744073709551615,-9223372036854775808,-0.0,1e400],"NaN":"Infinity \\"12345678901234567890\\\\"}',
    );
    expect(value).toEqual({
      a: [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 18446744073709551615n, -9223372036854775808n, -0, Number.POSITIVE_INFINITY],
      NaN: 'Infinity "12345678901234567890\\',
    });
  });

  it('takes a field called __proto__ for a field', () => {
    const value = parseExactJson('{"__proto__":{"polluted":1}}');
    expect(Object.keys(value ?? {})).toEqual(['__proto__']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('reads a string of millions of characters', () => {
    const long = 'x"\\'.repeat(1_000_000);
    expect(parseExactJson(JSON.stringify(long))).toBe(long);
  });

  it.each(['', '{', '[1,]', '{"a"}', '{"a":1,}', '[1 2]', '"open', '-', 'nul', 'undefined', '1 2', '[1}', '"\\x"', '['.repeat(100)])(
    'refuses %j',
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    },
  );
});

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
