import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream, sensitiveHeaders } from 'node:http2';
import { headers as names, SlipwayError, statusOf } from '@slipway/contracts';
import type { FrameBody } from '@slipway/inference';
import type { Refusal } from '../answers.js';
import type { ExchangeContext } from '../exchange.js';
import { encodeDetails, type GrpcStatus, grpcStatus, grpcStatusOf } from './grpc-status.js';
import type { Inflater } from './inflater.js';
import { type Message, MessageReader, prefixBytes } from './message-reader.js';

/** Names and values at the head or the end of an answer. */
export type Metadata = Readonly<Record<string, string>>;

/** What a call is made of. */
export interface CallParts {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Bounds and their present use; shared with all that is held in memory of requests. */
  readonly context: ExchangeContext;
  /** Bound of one message, expanded. */
  readonly maxMessageBytes: number;
  /** When the caller gives up, ms on the monotonic clock; Infinity when it did not say. */
  readonly deadlineAt: number;
  readonly connection: CallConnection;
  readonly inflater: Inflater;
}

/** What a call tells the connection that it came on. */
export interface CallConnection {
  /** Something left. */
  sent(): void;
  closed(call: GrpcCall): void;
}

/** Values that are another one in every answer: kept out of the connection's table of headers, which they would only wash others out of. */
const everNew = [names.predictionId, names.requestId];
const okTrailers: OutgoingHttpHeaders = { 'grpc-status': '0' };
const withTrailers = { waitForTrailers: true };
/** Below this, prefix and message leave in one piece; above it the copy would cost more. */
const joinBelowBytes = 16 * 1024;
/** An answer whose reader is slower than this, on average and after a minute, is given up. */
const slowestBytesPerMs = 16;
const sendGraceMs = 60_000;

/**
 * One call on one HTTP/2 stream: cuts and expands what comes in, frames what goes out, ends exactly once. What a method makes of its
 * messages is added by the classes below it.
 */
export abstract class GrpcCall {
  readonly arrivedAt = performance.now();
  /** When the last byte of the caller came, ms on the monotonic clock. */
  lastByteAt = this.arrivedAt;
  /** Of the message that is coming in: when it began. */
  private messageSince = this.arrivedAt;
  /** The answer has its end, or nobody waits for one any more. */
  protected isOver = false;
  protected readonly stream: ServerHttp2Stream;
  protected readonly headers: IncomingHttpHeaders;
  protected readonly context: ExchangeContext;
  readonly deadlineAt: number;
  private readonly connection: CallConnection;
  private readonly inflater: Inflater;
  private readonly maxMessageBytes: number;
  private readonly reader: MessageReader;
  private held = 0;
  private hasAllArrived = false;
  private isHalfClosed = false;
  private isPaused = false;
  private isInflating = false;
  private isHeadSent = false;
  private trailers = okTrailers;
  private giveUpAt = Number.POSITIVE_INFINITY;

  constructor({ stream, headers, context, maxMessageBytes, deadlineAt, connection, inflater }: CallParts) {
    this.stream = stream;
    this.headers = headers;
    this.context = context;
    this.deadlineAt = deadlineAt;
    this.connection = connection;
    this.inflater = inflater;
    this.maxMessageBytes = maxMessageBytes;
    this.reader = new MessageReader(maxMessageBytes);
    stream.on('data', (chunk: Buffer) => this.onData(chunk));
    stream.on('end', () => this.onEnd());
    stream.on('wantTrailers', () => this.sendTrailers());
    stream.on('close', () => this.onClose());
    // What broke the stream shows in its close.
    stream.on('error', ignore);
  }

  /** A message of the caller, expanded. */
  protected abstract onMessage(body: FrameBody): void;

  /** The caller has sent its last message. */
  protected abstract onHalfClose(): void;

  /** The call is over, however it ended: what is still under way for it can stop. */
  protected onOver(): void {}

  /** The server is leaving: calls that could go on for ever end when what they have begun is done. */
  leave(): void {}

  /** Ends the call with an error. */
  fail(refusal: Refusal, metadata?: Metadata): void {
    const { code, message, retryAfterSeconds } = refusal;
    const status = statusOf(code);
    const after = retryAfterSeconds ?? (status === 503 || status === 429 ? 1 : undefined);
    this.end(grpcStatusOf(code), message, {
      ...metadata,
      [names.error]: code,
      ...(after === undefined ? {} : { 'retry-after': String(after) }),
      ...(code === 'ENCODING_UNSUPPORTED' ? { 'grpc-accept-encoding': 'identity,deflate,gzip' } : {}),
    });
  }

  /**
   * Gives the call up where the caller is too slow, or is too late anyway; called once a second.
   * @param idleMs a message of which no byte came for so long is not waited for.
   */
  sweep(now: number, idleMs: number, slowestBytesPerSecond: number): void {
    if (now >= this.giveUpAt) this.stream.close(constants.NGHTTP2_CANCEL);
    if (now >= this.deadlineAt) this.fail({ code: 'DEADLINE_EXCEEDED', message: 'the deadline passed before there was an answer' });
    if (this.isOver || this.isPaused || this.isInflating || !this.isWaitingForBytes) return;
    const bytes = this.reader.waitingBytes;
    if (now - this.lastByteAt > idleMs) this.fail({ code: 'BODY_TIMEOUT', message: `no byte of the message came for ${idleMs / 1000} s` });
    else if (now - this.messageSince > idleMs && (bytes * 1000) / (now - this.messageSince) < slowestBytesPerSecond)
      this.fail({ code: 'BODY_TIMEOUT', message: `the message came at less than ${slowestBytesPerSecond} bytes a second` });
  }

  /** Whether the caller owes a message, although no byte of it has come. */
  protected get owesMessage(): boolean {
    return false;
  }

  private get isWaitingForBytes(): boolean {
    return !this.hasAllArrived && (this.reader.waitingBytes > 0 || this.owesMessage);
  }

  /** Answers a call of one answer. @param encoding what `body` is compressed with. */
  protected answer(metadata: Metadata, body: Buffer, encoding?: string): void {
    if (this.isOver) return;
    this.begin(metadata, encoding);
    this.hold(body.length);
    this.giveUpAt = performance.now() + sendGraceMs + body.length / slowestBytesPerMs;
    this.finish();
    this.write(body, encoding !== undefined);
    this.stream.end();
  }

  /** Sends the head of the answer, once. */
  protected begin(metadata?: Metadata, encoding?: string): void {
    if (this.isHeadSent || this.isClosed) return;
    this.isHeadSent = true;
    const head = headWith(metadata);
    if (encoding !== undefined) head['grpc-encoding'] = encoding;
    this.stream.respond(head, withTrailers);
  }

  /** Sends one of many answers. @param done when it has left. */
  protected send(body: Buffer, done: () => void): void {
    this.begin();
    this.write(body, false, done);
  }

  protected end(status: GrpcStatus, details: string, metadata?: Metadata): void {
    if (this.isOver) return;
    const trailers = status === grpcStatus.OK ? okTrailers : { ...metadata, 'grpc-status': String(status), 'grpc-message': encodeDetails(details) };
    this.finish();
    if (this.isClosed) return;
    this.giveUpAt = performance.now() + sendGraceMs;
    if (this.isHeadSent) {
      this.trailers = trailers;
      this.stream.end();
    } else {
      this.stream.respond(headWith(trailers), { endStream: true });
      this.stopReading();
    }
  }

  /** Takes no further message until `resume`; what the caller sends waits on its side. */
  protected pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.stream.pause();
  }

  protected resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.lastByteAt = performance.now();
    this.messageSince = this.lastByteAt;
    this.stream.resume();
    this.pump();
  }

  private get isClosed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  private write(body: Buffer, isCompressed: boolean, done?: () => void): void {
    const { stream } = this;
    if (this.isClosed) return;
    this.connection.sent();
    const { length } = body;
    const isJoined = length < joinBelowBytes;
    const frame = Buffer.allocUnsafe(isJoined ? prefixBytes + length : prefixBytes);
    frame[0] = isCompressed ? 1 : 0;
    frame.writeUInt32BE(length, 1);
    if (isJoined) {
      body.copy(frame, prefixBytes);
      stream.write(frame, done);
      return;
    }
    stream.cork();
    stream.write(frame);
    stream.write(body, done);
    stream.uncork();
  }

  private sendTrailers(): void {
    if (this.isClosed) return;
    this.stream.sendTrailers(this.trailers);
    // At once it would overtake the trailers.
    if (this.trailers !== okTrailers) setImmediate(() => this.stopReading());
  }

  /** The answer is complete: what the caller still sends is for nobody. */
  private stopReading(): void {
    if (!this.hasAllArrived && !this.isClosed) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }

  private onData(chunk: Buffer): void {
    this.lastByteAt = performance.now();
    if (this.isOver) return;
    if (this.reader.waitingBytes === 0) this.messageSince = this.lastByteAt;
    this.reader.push(chunk);
    this.hold(chunk.length);
    if (this.context.heldBytes > this.context.maxHeldBytes) this.fail(tooManyBytes);
    else this.pump();
  }

  private onEnd(): void {
    this.hasAllArrived = true;
    this.pump();
  }

  private onClose(): void {
    this.release(this.held);
    if (!this.isOver) this.finish();
    this.connection.closed(this);
  }

  private pump(): void {
    while (!this.isOver && !this.isPaused && !this.isInflating) {
      const message = this.nextMessage();
      if (message === undefined) break;
      if (message.isCompressed) this.inflate(joined(message.body));
      else this.take(message.body, message.bytes);
    }
    if (this.hasAllArrived && !this.isOver && !this.isPaused && !this.isInflating) this.halfClose();
  }

  private halfClose(): void {
    if (this.isHalfClosed) return;
    this.isHalfClosed = true;
    if (this.reader.waitingBytes === 0) this.onHalfClose();
    else this.fail({ code: 'INFER_INVALID', message: 'the call ended in the middle of a message' });
  }

  private nextMessage(): Message | undefined {
    try {
      return this.reader.next();
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      this.fail({ code: error.code, message: error.message });
      return undefined;
    }
  }

  /** @param bytes how many of it were held. */
  private take(body: FrameBody, bytes: number): void {
    this.release(prefixBytes + bytes);
    this.messageSince = this.lastByteAt;
    this.onMessage(body);
  }

  private inflate(body: Buffer): void {
    this.isInflating = true;
    this.stream.pause();
    this.inflater.expand(body, this.headers['grpc-encoding'], this.maxMessageBytes, (result) => {
      this.isInflating = false;
      if (this.isOver) return;
      if (!Buffer.isBuffer(result)) {
        this.fail(result);
        return;
      }
      if (!this.isPaused) this.stream.resume();
      if (this.context.heldBytes + result.length > this.context.maxHeldBytes) {
        this.fail(tooManyBytes);
        return;
      }
      this.take(result, body.length);
      this.pump();
    });
  }

  private hold(bytes: number): void {
    this.held += bytes;
    this.context.heldBytes += bytes;
  }

  private release(bytes: number): void {
    this.held -= bytes;
    this.context.heldBytes -= bytes;
  }

  /** From here on nothing that comes in counts. */
  private finish(): void {
    this.isOver = true;
    this.release(Math.min(this.held, this.reader.waitingBytes));
    this.reader.clear();
    this.onOver();
  }
}

/** In one piece. */
export function joined(body: FrameBody): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.concat(body);
}

const tooManyBytes: Refusal = { code: 'QUEUE_FULL', message: 'too many large messages at once; come back in a moment' };

/** The first headers of an answer. Built for every answer, so field by field and not by a spread. */
function headWith(more: OutgoingHttpHeaders | undefined): OutgoingHttpHeaders {
  const head: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc', [sensitiveHeaders]: everNew };
  for (const name in more) head[name] = more[name];
  return head;
}

function ignore(): void {}
