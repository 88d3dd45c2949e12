import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';

/** Small pieces are gathered up to this size, so that a slow sender costs few writes. */
const writeBytes = 1024 * 1024;

/**
 * Writes the source to the file, counting and hashing on the way, and syncs it.
 * @throws SlipwayError ARTEFACT_TOO_LARGE when the source has more than `maxBytes`; the error of the source or the file.
 */
export async function writeStaged(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = async () => {
    if (waitingBytes === 0) return;
    const piece = waiting.length === 1 && waiting[0] !== undefined ? waiting[0] : Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    hash.update(piece);
    await writeWhole(file, piece);
  };
  for await (const piece of source) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    waiting.push(piece);
    waitingBytes += piece.byteLength;
    if (waitingBytes >= writeBytes) await flush();
  }
  await flush();
  await file.sync();
  return { digest: hash.digest('hex'), sizeBytes };
}

/** The refusal of a file over the limit; `announcedBytes` when the sender said the size before sending. */
export function tooLarge(maxBytes: number, announcedBytes?: number, what = 'the file'): SlipwayError {
  const given = announcedBytes === undefined ? 'this one has more' : `this one has ${announcedBytes}`;
  return new SlipwayError('ARTEFACT_TOO_LARGE', `${what} may have at most ${maxBytes} bytes; ${given}`);
}

/** A write may take fewer bytes than it was given (a nearly full disk does): the rest is written again, and then fails with the reason. */
async function writeWhole(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let offset = 0; offset < piece.byteLength; ) {
    const { bytesWritten } = await file.write(piece, offset, piece.byteLength - offset);
    offset += bytesWritten;
  }
}
