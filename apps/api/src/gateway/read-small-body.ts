import type { IncomingMessage } from 'node:http';

const bodyMs = 30_000;

/**
 * Reads a body to its end, keeping at most `maxBytes`; gives undefined when there was more and 'late' when it did not end in time. A
 * caller that leaves is never called back.
 */
export function readSmallBody(request: IncomingMessage, maxBytes: number, done: (body: Buffer | undefined | 'late') => void, limitMs = bodyMs): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  };
  const finish = (body: Buffer | undefined | 'late') => {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd);
    done(body);
  };
  const onEnd = () => finish(bytes > maxBytes ? undefined : Buffer.concat(chunks));
  const timer = setTimeout(() => finish('late'), limitMs);
  request.on('data', onData).on('end', onEnd);
  request.once('close', () => clearTimeout(timer));
}
