import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.js';
import { pageFrom } from './page-from.js';

it('gives back the position it was made for', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1, unit: 'grapheme' }), (list, position) => {
      expect(decodeCursor(list, encodeCursor(list, position))).toBe(position);
    }),
  );
});

it('refuses a cursor of another list', () => {
  expect(() => decodeCursor('models:prj_2', encodeCursor('models:prj_1', 'fraud'))).toThrow(
    expect.objectContaining({ code: 'CURSOR_INVALID', status: 400 }),
  );
});

it('refuses a cursor with any character changed', () => {
  const cursor = encodeCursor('models:prj_1', 'fraud-detection');
  for (let at = 0; at < cursor.length; at += 1) {
    const forged = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
    expect(() => decodeCursor('models:prj_1', forged)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
  }
});

it.each(['', ' ', 'abc', '\0', '/etc/passwd', 'A'.repeat(512)])('refuses %j', (text) => {
  expect(() => decodeCursor('models:prj_1', text)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
});

it('gives a cursor only when there is more', () => {
  const options = { list: 'l', limit: 2, positionOf: String, toView: (row: number) => row };
  expect(pageFrom([1, 2], options)).toEqual({ items: [1, 2] });
  const page = pageFrom([1, 2, 3], options);
  expect(page.items).toEqual([1, 2]);
  expect(decodeCursor('l', page.nextCursor)).toBe('2');
});
