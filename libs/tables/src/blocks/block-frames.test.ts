import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from './block.js';
import { encodeReaderMessage, type ReaderMessage, readReaderMessages } from './block-frames.js';

const input = fc.record({
  name: fc.string(),
  datatype: fc.constantFrom('FP32' as const, 'INT64' as const),
  rowShape: fc.array(fc.nat(9), { maxLength: 3 }),
  data: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
});
const text = input.map((part) => ({ ...part, datatype: 'BYTES' as const, ends: [0, part.data.length] }));
const block: fc.Arbitrary<Block> = fc.record({
  firstRow: fc.integer({ min: 1, max: 1e9 }),
  rows: fc.nat(100),
  end: fc.oneof(fc.record({ row: fc.nat() }), fc.record({ row: fc.nat(), offset: fc.nat() })),
  faults: fc.array(fc.record({ index: fc.nat(), column: fc.string(), expected: fc.string(), given: fc.string() })),
  ids: fc.array(fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null)))),
  segments: fc.array(fc.record({ rows: fc.array(fc.nat()), inputs: fc.array(fc.oneof(input, text)) })),
});
const message: fc.Arbitrary<ReaderMessage> = fc.oneof(
  block.map((of) => ({ kind: 'block' as const, block: of })),
  fc.constant({ kind: 'end' as const }),
  fc.nat().map((rowsTotal) => ({ kind: 'opened' as const, rowsTotal })),
  fc.string().map((said) => ({ kind: 'refused' as const, code: 'TABLE_UNREADABLE' as const, message: said })),
);

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number, maxBytes = 1e9): Promise<ReaderMessage[]> {
  const messages: ReaderMessage[] = [];
  for await (const each of readReaderMessages(inPieces(bytes, size), maxBytes)) messages.push(each);
  return messages;
}

describe('messages of a reader', () => {
  it('arrive as they were sent, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 6 }), fc.integer({ min: 1, max: 4_000 }), async (messages, size) => {
        expect(await read(Buffer.concat(messages.flatMap(encodeReaderMessage)), size)).toEqual(messages);
      }),
    );
  });

  it('are refused when they are too large, cut, or none', async () => {
    const bytes = Buffer.concat(encodeReaderMessage({ kind: 'end' }));
    await expect(read(bytes, 3, 10)).rejects.toThrow(/over the limit of 10/);
    await expect(read(bytes.subarray(0, -1), 3)).rejects.toThrow(/ended within a message/);
    const other = Buffer.from(bytes);
    other.write('[', 8);
    await expect(read(other, 100)).rejects.toThrow();
  });
});
