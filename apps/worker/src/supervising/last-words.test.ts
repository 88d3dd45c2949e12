import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastWords, readLastWords } from './last-words.js';

it.each([
  {
    name: 'the reason of the last structured line',
    text: '{"msg":"x","reason":"first"}\n{"msg":"x","reason":"bad opset"}\ntrailing\n',
    expected: 'bad opset',
  },
  { name: 'the last line when none is structured', text: 'one\nterminate called after throwing\n\n', expected: 'terminate called after throwing' },
  {
    name: 'text without colours and control characters',
    text: '\u001b[1;31m2026 [E:onnxruntime] no\u0007 memory\u001b[m',
    expected: '2026 [E:onnxruntime] no  memory',
  },
  { name: 'a broken structured line as it is', text: '{"reason":', expected: '{"reason":' },
  { name: 'nothing for nothing', text: '\n \n', expected: undefined },
  { name: 'no more than 400 characters', text: 'x'.repeat(5_000), expected: 'x'.repeat(400) },
])('keeps $name', ({ text, expected }) => {
  expect(lastWords(text)).toBe(expected);
});

it('reads what this process said, not what an earlier one left', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slw-words-'));
  try {
    const file = join(folder, 'log');
    writeFileSync(file, 'old trouble\n');
    expect(readLastWords(file, 12)).toBe(undefined);
    writeFileSync(file, 'old trouble\nnew trouble\n');
    expect(readLastWords(file, 12)).toBe('new trouble');
    expect(readLastWords(join(folder, 'none'), 0)).toBe(undefined);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
