import { expect, it } from 'vitest';
import { keepable } from './keepable.js';

it.each([
  { given: 'plain é 漢 😀', kept: 'plain é 漢 😀' },
  { given: 'a\0b', kept: 'a\ufffdb' },
  { given: '\ud83d alone \ude00', kept: '\ufffd alone \ufffd' },
])('keeps $given as $kept', ({ given, kept }) => {
  expect(keepable(given)).toBe(kept);
});
