import { PassThrough, Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { withStallLimit } from './stall-limit.js';

async function read(source: Readable, stallMs: number): Promise<string> {
  let text = '';
  for await (const piece of withStallLimit(source, stallMs)) text += Buffer.from(piece).toString();
  return text;
}

it('passes on all pieces', async () => {
  expect(await read(Readable.from([Buffer.from('a'), Buffer.from('b')]), 1_000)).toBe('ab');
});

it('ends a sender that falls silent, however much it sent before', async () => {
  const source = new PassThrough();
  source.write('some');
  await expect(read(source, 20)).rejects.toMatchObject({ code: 'BODY_TIMEOUT', status: 408 });
});

it('takes a sender that goes away for an unfinished upload', async () => {
  const source = new PassThrough();
  source.write('some');
  const reading = read(source, 1_000);
  source.destroy(new Error('aborted'));
  await expect(reading).rejects.toMatchObject({ code: 'REQUEST_INVALID', cause: expect.objectContaining({ message: 'aborted' }) });
});

it('leaves the stream open for an answer when the reader stops early', async () => {
  const source = new PassThrough();
  source.write('first');
  for await (const piece of withStallLimit(source, 1_000)) {
    expect(String(piece)).toBe('first');
    break;
  }
  expect(source.destroyed).toBe(false);
});
