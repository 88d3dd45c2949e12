import type { Readable } from 'node:stream';
import { SlipwayError } from '@slipway/contracts';

/**
 * The pieces of a request body. A sender that goes away becomes REQUEST_INVALID, one that is silent for `stallMs` BODY_TIMEOUT.
 * The stream is left open when the reader stops early, so that an answer can still be sent.
 */
export async function* withStallLimit(source: Readable, stallMs: number): AsyncGenerator<Uint8Array> {
  const pieces = source.iterator({ destroyOnReturn: false });
  for (;;) {
    const piece = await nextWithin(pieces.next(), stallMs);
    if (piece.done === true) return;
    yield piece.value;
  }
}

/** The next thing of a sender, within a time. @throws SlipwayError BODY_TIMEOUT, REQUEST_INVALID */
export async function nextWithin<T>(next: Promise<T>, stallMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stall(stallMs)), stallMs);
  });
  try {
    return await Promise.race([next.catch(brokenOff), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

function stall(stallMs: number): SlipwayError {
  return new SlipwayError('BODY_TIMEOUT', `no byte of the upload arrived for ${stallMs / 1000} s; nothing was kept, send it again`);
}

function brokenOff(error: unknown): never {
  if (error instanceof SlipwayError) throw error;
  throw new SlipwayError('REQUEST_INVALID', 'the upload ended before all of its bytes had arrived; nothing was kept, send it again', {
    cause: error,
  });
}
