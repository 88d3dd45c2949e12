import type { IncomingMessage } from 'node:http';

/** Reads a body to its end, keeping at most `maxBytes`; gives undefined when there was more. A caller that leaves is never called back. */
export function readSmallBody(request: IncomingMessage, maxBytes: number, done: (body: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  });
  request.on('end', () => done(bytes > maxBytes ? undefined : Buffer.concat(chunks)));
}
