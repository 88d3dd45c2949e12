import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeFrame, readFrames } from './run-frames.js';

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const end = at + (sizes[turn % sizes.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

it('frames arrive as they were sent, however the stream is cut', async () => {
  const frame = fc.record({ head: fc.record({ text: fc.string(), rows: fc.nat() }), body: fc.uint8Array({ maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
      async (frames, sizes) => {
        const bytes = Buffer.concat(frames.flatMap(({ head, body }) => encodeFrame(head, body)));
        const seen: unknown[] = [];
        for await (const { head, body } of readFrames(inPieces(bytes, sizes))) seen.push({ head, body: new Uint8Array(body) });
        expect(seen).toEqual(frames);
      },
    ),
    { seed: 3, numRuns: 200 },
  );
});

it('a frame over the limit is refused before memory is made for it', async () => {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(10, 0);
  prefix.writeUInt32LE(512 * 1024 * 1024, 4);
  await expect(readFrames(inPieces(prefix, [8])).next()).rejects.toThrow('over the limit');
});
