import { connect } from 'node:net';

/** Writes bytes to the port and reads one answer: nothing between may add or change a header. `pieces` are written one after the other. */
export function exchange(port, pieces, { timeoutMs = 30_000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of [pieces].flat()) socket.write(piece);
    });
    let received = Buffer.alloc(0);
    const look = (isOver) => {
      const message = parseMessage(received);
      if (message === undefined) return isOver ? reject(new Error('the connection ended before an answer')) : undefined;
      socket.destroy();
      resolve(message);
    };
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      look(false);
    });
    socket.on('end', () => look(true));
    // After the answer a server may cut off a sender that goes on.
    socket.on('error', reject);
  });
}

/** Status, headers and body of an HTTP answer; undefined while it is not all there. */
export function parseMessage(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first, ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const status = Number(first.split(' ')[1]);
  const rest = bytes.subarray(end + 4);
  if (status === 100) return parseMessage(rest);
  const length = Number(headers['content-length'] ?? 0);
  const body = headers['transfer-encoding'] === 'chunked' ? joinedChunks(rest) : rest.length < length ? undefined : rest.subarray(0, length);
  return body === undefined ? undefined : { kind: 'REST', status, headers, body };
}

function joinedChunks(bytes) {
  const pieces = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) return Buffer.concat(pieces);
    if (bytes.length < end + 2 + size + 2) return undefined;
    pieces.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
