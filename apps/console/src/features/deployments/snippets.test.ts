import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlSnippet, javascriptSnippet } from './snippets';

const hostile = JSON.stringify({ inputs: [{ name: `it's "quoted" $(id) \`x\``, shape: [1], datatype: 'BYTES', data: ["a'b"] }] });

describe('snippets', () => {
  it('hands the body through a shell unchanged, whatever the tensor is called', () => {
    const command = curlSnippet('http://127.0.0.1:4000', 'demo', hostile).replace(/^curl/, 'printf "%s\\n"');
    const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trimEnd().split('\n');
    expect(JSON.parse(words.at(-1) ?? '')).toEqual(JSON.parse(hostile));
  });

  it('is valid JavaScript that sends the same body', () => {
    const source = javascriptSnippet('http://127.0.0.1:4000', 'demo', hostile);
    const literal = /JSON\.stringify\((.*)\),\n/.exec(source)?.[1] ?? '';
    expect(JSON.parse(literal)).toEqual(JSON.parse(hostile));
  });
});
