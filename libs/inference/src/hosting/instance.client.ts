import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { type ErrorCode, isErrorCode, messageOf, type ObservedAnswer } from '@slipway/contracts';
import { decodeHeader, type FrameHeader, outOfRange, type ProbeFrame, probeFrames } from './frame-header.js';
import { FrameWriter } from './frame-writer.js';
import { type Frame, type FrameBody, FrameDecoder, frameTypes, maxFrameBytes } from './frames.js';
import { openInstanceSocket } from './instance-socket.js';
import {
  type ContentKind,
  type InferKind,
  InstanceHello,
  InstancePong,
  InstanceStateChange,
  inferKinds,
  ObservedAnswerBytes,
} from './instance-spec.js';
import { StreamTable } from './stream-table.js';

/** One prediction request on its way to an instance; the body is what the caller sent, unchanged. */
export interface InferCall {
  readonly predictionId: string;
  /** Time left, in ms; the instance refuses to start a run after it. */
  readonly deadlineMs: number;
  readonly priority: number;
  readonly kind: InferKind;
  readonly modelName: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly inferenceHeaderContentLength?: number;
  readonly acceptEncoding?: string;
  readonly traceparent?: string;
  /** What the body is; `http` when absent. */
  readonly contentKind?: ContentKind;
  /** Not to be joined with others: it may be what ended an instance. */
  readonly alone?: boolean;
  /** Whether the instance shall say beside its answer what it predicted. */
  readonly observe?: boolean;
  /** What a request of kind `probe` measures, in so many runs; an empty body stands for generated inputs. */
  readonly probe?: { readonly frame: ProbeFrame; readonly runs: number };
  readonly body: FrameBody;
}

export interface InferResult {
  readonly kind: 'result';
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly inferenceHeaderContentLength?: number;
  readonly queueMicros: number;
  readonly computeMicros: number;
  readonly rows: number;
  /** Rows of the run it was part of. */
  readonly batchRows: number;
  /** 1 for the first request of a run, 0 for those that were joined to it: they sum up to the number of runs. */
  readonly runs: number;
  readonly decodeMicros: number;
  readonly encodeMicros: number;
  /** A float output holds NaN, or a value is out of the ranges that the revision states. */
  readonly invalidOutput: boolean;
  /** It is the range, not NaN. */
  readonly isOutOfRange: boolean;
  /** What it predicted, where that was asked for. */
  readonly observed?: ObservedAnswer;
  readonly clientId?: string;
  /** The body is the report of a probe; one that was asked for and did not come is of an instance that knows no probes. */
  readonly isProbed: boolean;
  readonly body: Buffer;
}

export type InferReply =
  | InferResult
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }
  /** The connection was lost before an answer: the caller may try another instance. */
  | { readonly kind: 'gone' };

export type ClientState = 'CONNECTING' | 'LOADING' | 'READY' | 'DRAINING' | 'CLOSED';

export interface InstanceClientOptions {
  /** See `InstanceAddress`. */
  readonly address: string;
  readonly role: 'gateway' | 'worker';
  /** Whether to come back after a lost connection, until `close`. */
  readonly reconnect: boolean;
  readonly maxFrameBytes?: number;
}

const reconnectMinMs = 20;
const reconnectMaxMs = 500;
/** An instance that died is back within a second: for so long it is asked often. */
const soonMs = 3_000;
const reconnectSoonMs = 80;
/** A peer on another machine is asked so often whether it is there, and is given up when it has not answered for so long. */
const askFarEveryMs = 1_000;
const farSilentAfterMs = 4_000;
/** Bytes waiting for a stuck instance above which new requests are refused instead of buffered. */
const maxBufferedBytes = 256 * 1024 * 1024;
const streamTop = 2 ** 32 - 1;
/** Of requests that were refused before they had one. */
const noStream = 0;

/** What was read is used up before anything else is read, so all connections share one memory for it: a new one per read keeps the collector busy. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

type Done = (reply: InferReply) => void;
interface Waiting {
  readonly resolve: (pong: InstancePong) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The one multiplexed connection to an instance, used by gateways and workers alike.
 * Events: `state` (state: ClientState) on every change, `failed` (reason: string) when the instance could not load its model,
 * `close` when the connection was lost (it may come back) or closed.
 */
export class InstanceClient extends EventEmitter<{ state: [ClientState]; failed: [string]; close: [] }> {
  private socket: Socket | undefined;
  private writer: FrameWriter | undefined;
  private current: ClientState = 'CONNECTING';
  private greeting: InstanceHello | undefined;
  private readonly inFlight = new StreamTable<Done>();
  private readonly pings = new Map<number, Waiting>();
  private lastPing = 0;
  private retryMs = reconnectMinMs;
  private lostAt = 0;
  private retryTimer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(private readonly options: InstanceClientOptions) {
    super();
    this.connect();
  }

  get state(): ClientState {
    return this.current;
  }

  /** Requests sent and not yet answered. */
  get outstanding(): number {
    return this.inFlight.size;
  }

  /** What the instance said when it was last reached. */
  get hello(): InstanceHello | undefined {
    return this.greeting;
  }

  /** Sends a request; `done` is called exactly once, unless the stream is cancelled. Returns the stream for `cancel`. */
  infer(call: InferCall, done: Done): number {
    const writer = this.writer;
    if (writer === undefined || this.current === 'CONNECTING' || this.current === 'CLOSED') {
      queueMicrotask(() => done({ kind: 'gone' }));
      return noStream;
    }
    if (writer.bufferedBytes > maxBufferedBytes) {
      queueMicrotask(() => done({ kind: 'error', code: 'QUEUE_FULL', message: 'the instance does not take any more requests at the moment' }));
      return noStream;
    }
    const stream = this.inFlight.add(done);
    writer.send(frameTypes.INFER, stream, headerOf(call), call.body);
    return stream;
  }

  /** Gives a request up: `done` is not called any more, and the instance drops it if it has not started. */
  cancel(stream: number): void {
    if (this.inFlight.take(stream) !== undefined) this.writer?.send(frameTypes.CANCEL, stream);
  }

  /** Asks for the instance's counters. Rejects when no answer comes in time: during a run the instance cannot answer. */
  ping(timeoutMs: number): Promise<InstancePong> {
    const writer = this.writer;
    if (writer === undefined) return Promise.reject(new Error('the instance is not connected'));
    const stream = this.lastPing === streamTop ? 1 : this.lastPing + 1;
    this.lastPing = stream;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pings.delete(stream);
        reject(new Error(`the instance did not answer a ping within ${timeoutMs} ms`));
      }, timeoutMs);
      this.pings.set(stream, { resolve, reject, timer });
      writer.send(frameTypes.PING, stream);
    });
  }

  /** Comes back at once instead of at its next attempt: somebody knows that the instance is there. */
  connectNow(): void {
    if (this.ended || this.retryTimer === undefined) return;
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.connect();
  }

  /** Tells the instance that it will be stopped; it answers what still arrives. */
  drain(): void {
    this.writer?.send(frameTypes.DRAIN, 0);
  }

  /** Closes for good; outstanding requests end as `gone`. */
  close(): void {
    this.ended = true;
    clearTimeout(this.retryTimer);
    this.writer?.flush();
    this.socket?.end();
    this.socket?.destroySoon();
    this.lose();
    this.become('CLOSED');
  }

  private connect(): void {
    const decoder = new FrameDecoder((frame) => this.receive(frame), { maxBytes: this.options.maxFrameBytes ?? maxFrameBytes, isBorrowed: true });
    const onRead = (bytes: number): boolean => {
      try {
        decoder.push(readBuffer.subarray(0, bytes));
      } catch (error) {
        // What follows on this connection can no longer be told apart; only a new one helps.
        socket.destroy(error instanceof Error ? error : new Error(messageOf(error)));
      }
      return true;
    };
    const { socket, opened, isFar } = openInstanceSocket(this.options.address, { buffer: readBuffer, callback: onRead });
    const writer = new FrameWriter(socket);
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on(opened, () => {
      this.writer = writer;
      writer.send(frameTypes.HELLO, 0, {}, json({ protocol: 1, role: this.options.role }));
      if (isFar) this.askWhileOpen(socket);
    });
    // The reason of a failed connection shows in `close`, which always follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.lost(socket));
  }

  /** Without this, requests would wait for the system to give the connection up, which takes it minutes. */
  private askWhileOpen(socket: Socket): void {
    const timer = setInterval(() => {
      this.ping(farSilentAfterMs).catch(() => socket.destroy());
    }, askFarEveryMs);
    socket.on('close', () => clearInterval(timer));
  }

  private lost(socket: Socket): void {
    if (socket !== this.socket || this.ended) return;
    this.lose();
    if (!this.options.reconnect) {
      this.ended = true;
      this.become('CLOSED');
      return;
    }
    this.become('CONNECTING');
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      this.connect();
    }, this.retryMs);
    const isSoon = performance.now() - this.lostAt < soonMs;
    this.retryMs = Math.min(isSoon ? reconnectSoonMs : reconnectMaxMs, this.retryMs * 2);
  }

  private lose(): void {
    const wasConnected = this.writer !== undefined;
    // One that hangs up without a greeting has refused us, and is not expected back soon.
    if (this.current !== 'CONNECTING') this.lostAt = performance.now();
    this.writer = undefined;
    const done = this.inFlight.takeAll();
    const pings = [...this.pings.values()];
    this.pings.clear();
    for (const ping of pings) {
      clearTimeout(ping.timer);
      ping.reject(new Error('the connection to the instance was lost'));
    }
    for (const call of done) call({ kind: 'gone' });
    if (wasConnected || this.ended || !this.options.reconnect) this.emit('close');
  }

  private receive(frame: Frame): void {
    // A newer instance may say more than this side understands; the rest is passed over.
    if (frame.type === frameTypes.RESULT) this.answer(frame.stream, () => toResult(decodeHeader(frame.header), frame.body));
    else if (frame.type === frameTypes.ERROR) this.answer(frame.stream, () => toError(decodeHeader(frame.header), frame.body));
    else if (frame.type === frameTypes.HELLO) this.greeted(InstanceHello.parse(parseJson(frame.body)));
    else if (frame.type === frameTypes.STATE) this.changed(InstanceStateChange.parse(parseJson(frame.body)));
    else if (frame.type === frameTypes.PONG) this.pong(frame);
  }

  private greeted(hello: InstanceHello): void {
    this.retryMs = reconnectMinMs;
    this.greeting = hello;
    this.become(hello.state);
  }

  private answer(stream: number, reply: () => InferReply): void {
    const done = this.inFlight.take(stream);
    if (done !== undefined) done(reply());
  }

  private changed(change: InstanceStateChange): void {
    if (change.state === 'FAILED') {
      this.emit('failed', change.reason ?? 'the instance failed without a reason');
      return;
    }
    const { provider, providerNote } = change;
    if (this.greeting !== undefined && provider !== undefined) this.greeting = { ...this.greeting, provider, providerNote };
    this.become(change.state);
  }

  private pong(frame: Frame): void {
    const waiting = this.pings.get(frame.stream);
    if (waiting === undefined) return;
    this.pings.delete(frame.stream);
    clearTimeout(waiting.timer);
    waiting.resolve(InstancePong.parse(parseJson(frame.body)));
  }

  private become(state: ClientState): void {
    if (state === this.current) return;
    this.current = state;
    this.emit('state', state);
  }
}

/** Field by field: always the same shape, which a spread would not give. */
function headerOf(call: InferCall): FrameHeader {
  return {
    predictionId: call.predictionId,
    deadlineMs: Math.max(0, Math.floor(call.deadlineMs)),
    priority: call.priority,
    kind: inferKinds.indexOf(call.kind),
    traceparent: call.traceparent,
    contentType: call.contentType,
    contentEncoding: call.contentEncoding,
    inferenceHeaderContentLength: call.inferenceHeaderContentLength,
    acceptEncoding: call.acceptEncoding,
    modelName: call.modelName,
    contentKind: call.contentKind === 'grpc' ? 1 : 0,
    alone: call.alone === true ? 1 : undefined,
    observe: call.observe === true ? 1 : undefined,
    probe: call.probe === undefined ? undefined : probeFrames.indexOf(call.probe.frame),
    probeRuns: call.probe?.runs,
  };
}

function toResult(header: FrameHeader, whole: Buffer): InferReply {
  const { observedBytes } = header;
  const observed = observedBytes === undefined ? undefined : readObserved(whole, observedBytes);
  const body = observedBytes === undefined ? whole : whole.subarray(0, Math.max(0, whole.length - observedBytes));
  return {
    kind: 'result',
    contentType: header.contentType ?? 'application/json',
    contentEncoding: header.contentEncoding,
    inferenceHeaderContentLength: header.inferenceHeaderContentLength,
    queueMicros: header.queueMicros ?? 0,
    computeMicros: header.computeMicros ?? 0,
    rows: header.rows ?? 1,
    batchRows: header.batchRows ?? header.rows ?? 1,
    runs: header.runs ?? 1,
    decodeMicros: header.decodeMicros ?? 0,
    encodeMicros: header.encodeMicros ?? 0,
    invalidOutput: (header.invalidOutput ?? 0) > 0,
    isOutOfRange: header.invalidOutput === outOfRange,
    isProbed: header.probed === 1,
    ...(observed === undefined ? {} : { observed }),
    clientId: header.clientId,
    body,
  };
}

/** The end of an answer's body. What cannot be read is as good as not there: the answer itself is whole. */
function readObserved(whole: Buffer, observedBytes: number): ObservedAnswer | undefined {
  if (observedBytes > whole.length) return undefined;
  try {
    return ObservedAnswerBytes.parse(parseJson(whole.subarray(whole.length - observedBytes)));
  } catch {
    return undefined;
  }
}

function toError(header: FrameHeader, body: Buffer): InferReply {
  const code = header.errorCode ?? '';
  return { kind: 'error', code: isErrorCode(code) ? code : 'INTERNAL', message: body.toString('utf8') };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

function parseJson(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8'));
}
