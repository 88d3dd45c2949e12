import type { IncomingMessage } from 'node:http';

const discardBytes = 64 * 1024 * 1024;
const discardMs = 10_000;

/**
 * Reads on what a sender still sends after its upload was refused, so that it gets to read the answer (cutting the connection loses
 * it); a sender that goes on for 64 MiB or 10 s is cut off.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let left = discardBytes;
  const cut = () => request.socket.destroy();
  const timer = setTimeout(cut, discardMs);
  request.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) cut();
  });
  request.once('close', () => clearTimeout(timer));
  request.once('end', () => clearTimeout(timer));
  request.on('error', () => undefined);
  request.resume();
}
