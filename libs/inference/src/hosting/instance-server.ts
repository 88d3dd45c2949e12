import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '@slipway/contracts';
import { decodeHeader, type FrameHeader } from './frame-header.js';
import { FrameWriter } from './frame-writer.js';
import { type Frame, type FrameBody, FrameDecoder, type FrameType, frameTypes, maxFrameBytes } from './frames.js';
import {
  ClientHello,
  type InstanceHello,
  type InstancePong,
  type InstanceSpec,
  type InstanceState,
  type InstanceStateChange,
} from './instance-spec.js';
import { TlsDoor } from './tls-door.js';

/** A request as it came out of a frame, with the way back to the connection it came from. */
export interface IncomingRequest {
  readonly connection: Connection;
  readonly stream: number;
  readonly header: FrameHeader;
  readonly body: Buffer;
}

/** What the program behind the server does with what arrives. */
export interface InstanceHandlers {
  readonly onInfer: (request: IncomingRequest) => void;
  readonly onCancel: (connection: Connection, stream: number) => void;
  /** The connection is gone: whatever it waited for need not be computed. */
  readonly onGone: (connection: Connection) => void;
  readonly onDrain: () => void;
  readonly counters: () => InstancePong;
  /** Somebody on another machine was not let in. */
  readonly onRefused?: (from: string, reason: string) => void;
}

export interface InstanceServerOptions {
  readonly socketPath: string;
  /** Where gateways on other machines come in, beside the socket; its port may be 0. */
  readonly door?: InstanceSpec['door'];
  readonly hello: Omit<InstanceHello, 'state' | 'protocol'>;
  readonly maxFrameBytes?: number;
  readonly handlers: InstanceHandlers;
}

/** Answers waiting for a reader that does not read, above which nothing more is taken from it. */
const pauseAboveBytes = 64 * 1024 * 1024;

/** The frame server inside an instance: greets, pushes state, hands requests to the program and carries answers back. */
export class InstanceServer {
  private readonly server: Server;
  private readonly door: TlsDoor | undefined;
  private readonly connections = new Set<Connection>();
  private state: InstanceState = 'LOADING';
  private failure: InstanceStateChange | undefined;
  private runsOn: Pick<InstanceStateChange, 'provider' | 'providerNote'> = {};
  private workerLeftAt: number | undefined = performance.now();

  constructor(private readonly options: InstanceServerOptions) {
    const { door, handlers } = options;
    this.server = createServer((socket) => this.accept(socket));
    this.door =
      door === undefined
        ? undefined
        : new TlsDoor({
            ...door,
            onConnection: (socket) => this.accept(socket),
            onRefused: (from, reason) => handlers.onRefused?.(from, reason),
          });
  }

  /** Resolves when connections are taken, with the port of the door if there is one. */
  async listen(): Promise<number | undefined> {
    await this.listenLocally();
    return this.door?.listen();
  }

  /** Takes up what changed outside: a renewed certificate. */
  refresh(): void {
    this.door?.refresh();
  }

  private listenLocally(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.socketPath, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  /** For how long no worker has been connected, in ms; 0 while one is. */
  get orphanedForMs(): number {
    return this.workerLeftAt === undefined ? 0 : performance.now() - this.workerLeftAt;
  }

  get isReady(): boolean {
    return this.state === 'READY';
  }

  /** Bytes of answers not yet taken by the clients. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const connection of this.connections) bytes += connection.writer.bufferedBytes;
    return bytes;
  }

  become(state: InstanceState): void {
    this.state = state;
    this.pushAll({ state, ...this.runsOn });
  }

  /** Tells what runs the model, with the next state and to everyone who still connects. */
  describe(provider: string, providerNote: string | undefined): void {
    this.runsOn = { provider, ...(providerNote === undefined ? {} : { providerNote }) };
  }

  /** Tells everyone connected, and everyone who still connects, why the model could not be loaded. */
  announceFailure(reason: string): void {
    this.failure = { state: 'FAILED', reason };
    this.pushAll(this.failure);
    for (const connection of this.connections) connection.writer.flush();
  }

  /** Stops taking connections and closes those that are open once their answers are out. */
  close(): Promise<void> {
    this.door?.close();
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const connection of this.connections) connection.end();
    });
  }

  private pushAll(change: InstanceStateChange): void {
    for (const connection of this.connections) connection.send(frameTypes.STATE, 0, {}, json(change));
  }

  private accept(socket: Socket): void {
    socket.setNoDelay(true);
    const connection = new Connection(socket);
    const decoder = new FrameDecoder((frame) => this.receive(connection, frame), { maxBytes: this.options.maxFrameBytes ?? maxFrameBytes });
    this.connections.add(connection);
    connection.send(frameTypes.HELLO, 0, {}, json({ protocol: 1, ...this.options.hello, state: this.state, ...this.runsOn }));
    if (this.failure !== undefined) connection.send(frameTypes.STATE, 0, {}, json(this.failure));
    socket.on('data', (chunk) => {
      try {
        decoder.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        connection.pauseWhileClogged(pauseAboveBytes);
      } catch (error) {
        // After a malformed frame the bytes that follow cannot be told apart.
        socket.destroy(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
    socket.on('drain', () => socket.resume());
    // The reason of a lost connection is of no use here; `close` always follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.left(connection));
  }

  private left(connection: Connection): void {
    connection.isOpen = false;
    this.connections.delete(connection);
    this.options.handlers.onGone(connection);
    const hasWorker = [...this.connections].some((other) => other.role === 'worker');
    if (connection.role === 'worker' && !hasWorker) this.workerLeftAt = performance.now();
  }

  private receive(connection: Connection, frame: Frame): void {
    const { handlers } = this.options;
    const { type, stream, body } = frame;
    // A newer client may say more than this side understands; the rest is passed over.
    if (type === frameTypes.INFER) handlers.onInfer({ connection, stream, header: decodeHeader(frame.header), body });
    else if (type === frameTypes.CANCEL) handlers.onCancel(connection, stream);
    else if (type === frameTypes.PING) connection.send(frameTypes.PONG, stream, {}, json(handlers.counters()));
    else if (type === frameTypes.HELLO) this.greeted(connection, ClientHello.parse(JSON.parse(body.toString('utf8'))));
    else if (type === frameTypes.DRAIN) handlers.onDrain();
  }

  private greeted(connection: Connection, hello: ClientHello): void {
    connection.role = hello.role;
    if (hello.role === 'worker') this.workerLeftAt = undefined;
  }
}

/** One client's side of the server. */
export class Connection {
  role: ClientHello['role'] | undefined;
  isOpen = true;
  readonly writer: FrameWriter;

  constructor(private readonly socket: Socket) {
    this.writer = new FrameWriter(socket);
  }

  send(type: FrameType, stream: number, header: FrameHeader, body: FrameBody): void {
    if (this.isOpen) this.writer.send(type, stream, header, body);
  }

  pauseWhileClogged(bound: number): void {
    if (this.socket.writableLength > bound) this.socket.pause();
  }

  end(): void {
    this.writer.flush();
    this.socket.end();
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}
