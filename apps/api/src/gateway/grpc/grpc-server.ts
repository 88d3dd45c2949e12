import { createSecureServer, createServer, type Http2SecureServer, type Http2Server, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import { Server as NetServer } from 'node:net';
import { type ConnectionLimits, GrpcConnection, type OpenCall } from './grpc-connection.js';

export interface GrpcServerOptions {
  readonly open: OpenCall;
  /** Certificate chain and key as PEM; without them the port speaks plain text. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Is called once a second. */
  readonly onSweep?: () => void;
  readonly limits?: Partial<ConnectionLimits>;
}

const connectionLimits: ConnectionLimits = {
  greetingMs: 5_000,
  quietMs: 60_000,
  pongMs: 20_000,
  messageIdleMs: 30_000,
  slowestBytesPerSecond: 1024,
};
const sweepEveryMs = 1_000;
const handshakeMs = 4_000;
const maxConnections = 10_000;
const maxHeaderPairs = 200;
/** A large tensor must not wait for a window at every 64 KB; what has arrived is taken at once, so this bounds nothing but the wire. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 16 * 1024 * 1024;
/** In MB. Answers that were not read yet count, and answers are bounded elsewhere. */
const maxSessionMemory = 4_096;

const serverOptions: ServerOptions = {
  settings: { maxConcurrentStreams: 1_000, initialWindowSize: streamWindowBytes, maxHeaderListSize: 16_384, enablePush: false },
  maxHeaderListPairs: maxHeaderPairs,
  maxSessionMemory,
  unknownProtocolTimeout: 1_000,
};

/** The port on which gRPC is spoken: HTTP/2 connections, their limits, and their end. */
export class GrpcServer {
  private readonly server: Http2Server | Http2SecureServer;
  private readonly connections = new Set<GrpcConnection>();
  private readonly limits: ConnectionLimits;
  private readonly sweep: NodeJS.Timeout;

  constructor(private readonly options: GrpcServerOptions) {
    this.limits = { ...connectionLimits, ...options.limits };
    const { tls } = options;
    this.server = tls === undefined ? createServer(serverOptions) : createSecureServer({ ...serverOptions, ...tls, handshakeTimeout: handshakeMs });
    this.server.maxConnections = maxConnections;
    this.server.on('session', (session: ServerHttp2Session) => this.onSession(session));
    // A broken session or handshake is its client's matter.
    this.server.on('sessionError', () => undefined);
    this.server.on('tlsClientError', () => undefined);
    this.sweep = setInterval(() => this.sweepAll(), Math.min(sweepEveryMs, this.limits.greetingMs / 2));
    this.sweep.unref();
  }

  get connectionsOpen(): number {
    return this.connections.size;
  }

  get callsOpen(): number {
    let calls = 0;
    for (const connection of this.connections) calls += connection.callsOpen;
    return calls;
  }

  /** Serves until told to drain; resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        // Of a connection that could not be accepted, as when there are too many open files: the next one may be.
        this.server.off('error', reject).on('error', () => undefined);
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /**
   * Leaves without losing a call: takes no connection, and for `lingerMs` still every call, while clients that look at the health learn to
   * go elsewhere. Then it tells each client which call it took last, so that the client may send a later one again, and waits for the last.
   * @returns how many connections had to be cut after `graceMs`.
   */
  async drain({ lingerMs, graceMs }: { readonly lingerMs: number; readonly graceMs: number }): Promise<number> {
    const closed = this.server.listening ? new Promise<void>((resolve) => NetServer.prototype.close.call(this.server, () => resolve())) : undefined;
    if (this.connections.size > 0) await pause(lingerMs);
    const left = Promise.all([...this.connections].map((connection) => connection.leave()));
    await within(left, Math.max(0, graceMs - lingerMs));
    const cut = this.connections.size;
    this.close();
    await closed;
    return cut;
  }

  /** Ends everything at once. */
  close(): void {
    clearInterval(this.sweep);
    for (const connection of this.connections) connection.destroy();
    if (this.server.listening) NetServer.prototype.close.call(this.server);
  }

  private onSession(session: ServerHttp2Session): void {
    session.setLocalWindowSize(connectionWindowBytes);
    const connection = new GrpcConnection(session, this.limits, this.options.open);
    this.connections.add(connection);
    session.once('close', () => this.connections.delete(connection));
  }

  private sweepAll(): void {
    const now = performance.now();
    for (const connection of this.connections) connection.sweep(now);
    this.options.onSweep?.();
  }
}

/** Resolves with the work, or when its time is over. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
