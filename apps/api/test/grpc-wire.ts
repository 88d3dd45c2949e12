import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';

const inferPath = '/inference.GRPCInferenceService/ModelInfer';

/** What came back on one stream. */
export interface WireAnswer {
  readonly head: IncomingHttpHeaders & IncomingHttpStatusHeader;
  /** Those of the head where there are no others. */
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A connection on which calls are written byte by byte. */
export class Wire {
  private constructor(readonly session: ClientHttp2Session) {
    session.on('error', () => undefined);
  }

  static async open(port: number): Promise<Wire> {
    const session = connect(`http://127.0.0.1:${port}`);
    await once(session, 'remoteSettings');
    return new Wire(session);
  }

  /** Opens a call; its sending side stays open. */
  start(headers: Record<string, string> = {}) {
    const stream = this.session.request(
      { ':method': 'POST', ':path': inferPath, 'content-type': 'application/grpc', te: 'trailers', ...headers },
      { endStream: false },
    );
    stream.on('error', () => undefined);
    const seen: { head?: WireAnswer['head']; trailers?: IncomingHttpHeaders } = {};
    const pieces: Buffer[] = [];
    stream.on('response', (head) => Object.assign(seen, { head }));
    stream.on('trailers', (trailers) => Object.assign(seen, { trailers }));
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    const answer = once(stream, 'close').then(
      (): WireAnswer => ({ head: seen.head ?? {}, trailers: seen.trailers ?? seen.head ?? {}, body: Buffer.concat(pieces) }),
    );
    return { stream, answer };
  }

  call(bytes: Buffer, headers: Record<string, string> = {}): Promise<WireAnswer> {
    const { stream, answer } = this.start(headers);
    stream.end(bytes);
    return answer;
  }

  close(): void {
    this.session.destroy();
  }
}

/** A message as a call carries it. */
export function framed(message: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function statusOf({ trailers }: WireAnswer): string {
  return String(trailers['grpc-status']);
}
