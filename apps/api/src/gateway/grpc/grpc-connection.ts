import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { FloodGuard } from './flood-guard.js';
import type { CallConnection, GrpcCall } from './grpc-call.js';

/** Opens the call that a stream's head asks for; undefined when the head alone was enough to answer it. */
export type OpenCall = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: GrpcConnection) => GrpcCall | undefined;

export interface ConnectionLimits {
  /** Time for the first frames of a client. */
  readonly greetingMs: number;
  /** A connection on which nothing comes for this long is asked whether it lives. */
  readonly quietMs: number;
  /** Time for the answer to that. */
  readonly pongMs: number;
  /** A message of which no byte comes for this long is given up. */
  readonly messageIdleMs: number;
  readonly slowestBytesPerSecond: number;
}

/** One client's connection: its calls, and what keeps a connection without calls from being a burden. */
export class GrpcConnection implements CallConnection {
  /** Where the client is. */
  readonly peer: { readonly remoteAddress: string | undefined };
  private readonly calls = new Set<GrpcCall>();
  private readonly floods = new FloodGuard(performance.now());
  private readonly openedAt = performance.now();
  private lastHeardAt = this.openedAt;
  private pingedAt = Number.POSITIVE_INFINITY;
  private hasGreeted = false;

  constructor(
    private readonly session: ServerHttp2Session,
    private readonly limits: ConnectionLimits,
    open: OpenCall,
  ) {
    this.peer = { remoteAddress: session.socket.remoteAddress };
    session.on('stream', (stream, headers) => this.onStream(stream, headers, open));
    session.on('remoteSettings', () => {
      this.hasGreeted = true;
      this.countFrame();
    });
    session.on('ping', () => this.countFrame());
    // What broke the connection shows in its close.
    session.on('error', () => undefined);
  }

  sent(): void {
    this.floods.rest();
  }

  closed(call: GrpcCall): void {
    this.calls.delete(call);
  }

  get callsOpen(): number {
    return this.calls.size;
  }

  /** Ends calls whose clients are too slow, and the connection when its client never greeted or does not answer. */
  sweep(now: number): void {
    const { limits } = this;
    if (this.session.destroyed) return;
    for (const call of this.calls) {
      call.sweep(now, limits.messageIdleMs, limits.slowestBytesPerSecond);
      this.lastHeardAt = Math.max(this.lastHeardAt, call.lastByteAt);
    }
    const isMute = !this.hasGreeted && now - this.openedAt > limits.greetingMs;
    if (isMute || now - this.pingedAt > limits.pongMs) this.session.destroy();
    else if (now - this.lastHeardAt > limits.quietMs && this.pingedAt === Number.POSITIVE_INFINITY) this.ping(now);
  }

  /** Tells the client to open no further call here, and which it took last; resolves when the last one has ended. */
  leave(): Promise<void> {
    return new Promise((resolve) => {
      for (const call of this.calls) call.leave();
      if (this.session.destroyed) resolve();
      else if (this.session.closed) this.session.once('close', resolve);
      else this.session.close(resolve);
    });
  }

  destroy(): void {
    this.session.destroy(undefined, constants.NGHTTP2_CANCEL);
  }

  private onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, open: OpenCall): void {
    this.lastHeardAt = performance.now();
    // Reset before anybody looked at it: its close may have passed already.
    if (stream.destroyed) {
      stream.on('error', () => undefined);
      return;
    }
    const call = open(stream, headers, this);
    if (call !== undefined) this.calls.add(call);
  }

  private countFrame(): void {
    const now = performance.now();
    this.lastHeardAt = now;
    if (!this.floods.count(now) || this.session.destroyed) return;
    this.session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'));
    this.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  private ping(now: number): void {
    this.pingedAt = now;
    const isSent = this.session.ping((error) => {
      if (error !== null) return;
      this.pingedAt = Number.POSITIVE_INFINITY;
      this.lastHeardAt = performance.now();
    });
    if (!isSent) this.session.destroy();
  }
}
