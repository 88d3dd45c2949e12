import { connect } from 'node:http2';
import { gunzipSync, gzipSync } from 'node:zlib';

/** The names of gRPC's status codes. */
export const codes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** A connection to the gRPC port on which calls are written byte by byte: nothing between may add or change a header. */
export class Wire {
  constructor(port) {
    this.port = port;
  }

  /** The connection; a new one where the last was closed. */
  get session() {
    if (this.connection === undefined || this.connection.destroyed || this.connection.closed) {
      this.connection = connect(`http://127.0.0.1:${this.port}`);
      // What breaks a connection is told by the calls on it.
      this.connection.on('error', () => {});
    }
    return this.connection;
  }

  /**
   * One call with the messages given as bytes.
   * @param frame replaces the framing of the messages by bytes of the caller's own
   * @param isOpen leaves the sending side open
   * @returns {code, details, headers, messages, httpStatus}; `code` is the name of the status
   */
  call(path, messages, { metadata = {}, encoding, frame, isOpen = false, timeoutMs = 30_000 } = {}) {
    return new Promise((resolve, reject) => {
      const gzip = encoding === 'gzip' ? { 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'identity,deflate,gzip' } : {};
      const stream = this.session.request(
        { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...gzip, ...metadata },
        { endStream: false },
      );
      const pieces = [];
      const seen = {};
      stream.setTimeout(timeoutMs, () => stream.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      stream.on('response', (headers) => Object.assign(seen, { headers }));
      stream.on('trailers', (trailers) => Object.assign(seen, { trailers }));
      stream.on('data', (piece) => pieces.push(piece));
      stream.on('error', reject);
      stream.on('close', () => resolve(answerOf(seen, Buffer.concat(pieces), stream.rstCode)));
      stream.on('end', () => stream.close());
      for (const message of messages) stream.write(framed(message, encoding));
      if (frame !== undefined) stream.write(frame);
      if (!isOpen) stream.end();
    });
  }

  close() {
    this.connection?.destroy();
  }
}

/** Length-prefixed as gRPC wants it, compressed where asked. */
export function framed(message, encoding) {
  const content = encoding === 'gzip' ? gzipSync(message) : message;
  const head = Buffer.alloc(5);
  head[0] = encoding === 'gzip' ? 1 : 0;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

function answerOf({ headers = {}, trailers }, body, resetCode) {
  const last = trailers ?? headers;
  const status = last['grpc-status'];
  return {
    code: status === undefined ? `no status (stream code ${resetCode})` : (codes[Number(status)] ?? `status ${status}`),
    details: decodeURIComponent(last['grpc-message'] ?? ''),
    httpStatus: headers[':status'],
    headers: { ...headers, ...trailers },
    messages: messagesOf(body),
  };
}

function messagesOf(body) {
  const found = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    const content = body.subarray(at + 5, at + 5 + length);
    if (content.length !== length) throw new Error('the last message of the answer is cut');
    found.push(body[at] === 1 ? gunzipSync(content) : content);
    at += 5 + length;
  }
  return found;
}
