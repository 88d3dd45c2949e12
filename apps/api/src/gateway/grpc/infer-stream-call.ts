import { bodyBytesOf, type FrameBody, type InferResult } from '@slipway/inference';
import type { Refusal } from '../answers.js';
import { type CallParts, GrpcCall } from './grpc-call.js';
import type { GrpcExchange, InferSink } from './grpc-exchange.js';
import { grpcStatus } from './grpc-status.js';
import { type InferCaller, routeOf } from './infer-call.js';
import type { InferDesk } from './infer-desk.js';
import { emptyFinalMessage, errorMessage, resultMessage } from './stream-messages.js';

/** Requests of one stream that are under way at once, and the bytes of their messages; further ones wait on their caller's side. */
const maxInFlight = 64;
const maxInFlightBytes = 16 * 1024 * 1024;
/** Answers that were not taken yet; above this the stream reads nothing more. */
const maxUnsentBytes = 1024 * 1024;

/** ModelStreamInfer: any number of requests, answered in their order. A request that fails is a message, not the end. */
export class InferStreamCall extends GrpcCall {
  /** In the order of the requests; the first ones leave as soon as they are done. */
  private readonly slots: Slot[] = [];
  private inFlightBytes = 0;
  private unsentBytes = 0;
  private hasAllRequests = false;
  private isLeaving = false;

  /** @param admit asks again whether the caller may predict: a stream may outlive a key. */
  constructor(
    parts: CallParts,
    private readonly desk: InferDesk,
    private readonly admit: () => InferCaller | Refusal,
  ) {
    super(parts);
  }

  override leave(): void {
    this.isLeaving = true;
    this.pause();
    this.settle();
  }

  protected onMessage(body: FrameBody): void {
    const caller = this.admit();
    if ('code' in caller) {
      this.fail(caller);
      return;
    }
    const now = performance.now();
    const slot = new Slot(bodyBytesOf(body), () => this.settle());
    this.slots.push(slot);
    this.inFlightBytes += slot.bytes;
    const route = routeOf(body);
    if ('code' in route) {
      slot.refused(route);
      return;
    }
    slot.id = route.id;
    slot.wantsFinalResponse = route.wantsFinalResponse;
    const { headers, deadlineAt } = this;
    slot.exchange = this.desk.start({ body, route, ...caller, headers, arrivedAt: now, deadlineAt, acceptEncoding: undefined }, slot);
    if (this.isFull) this.pause();
  }

  protected onHalfClose(): void {
    this.hasAllRequests = true;
    this.settle();
  }

  protected override onOver(): void {
    for (const slot of this.slots) slot.exchange?.cancel();
    this.slots.length = 0;
  }

  private get isFull(): boolean {
    return this.slots.length >= maxInFlight || this.inFlightBytes >= maxInFlightBytes || this.unsentBytes >= maxUnsentBytes;
  }

  /** Sends what is done at the front, then makes room or comes to an end. */
  private settle(): void {
    for (let slot = this.slots[0]; slot?.messages !== undefined; slot = this.slots[0]) {
      this.slots.shift();
      this.inFlightBytes -= slot.bytes;
      for (const message of slot.messages) this.sendCounted(message);
    }
    if (this.isOver) return;
    if (this.slots.length === 0 && this.hasAllRequests) this.end(grpcStatus.OK, '');
    else if (this.isLeaving) this.endWhenEmpty();
    else if (!this.isFull) this.resume();
  }

  private endWhenEmpty(): void {
    if (this.slots.length === 0) this.fail({ code: 'DRAINING', message: 'the server is leaving; open the stream again' });
  }

  private sendCounted(message: Buffer): void {
    const { length } = message;
    this.unsentBytes += length;
    this.send(message, () => {
      this.unsentBytes -= length;
      this.settle();
    });
  }
}

/** The place of one request in the order of a stream. */
class Slot implements InferSink {
  id = '';
  wantsFinalResponse = false;
  exchange: GrpcExchange | undefined;
  /** What goes out for it; undefined until it is done. */
  messages: readonly Buffer[] | undefined;

  constructor(
    readonly bytes: number,
    private readonly onDone: () => void,
  ) {}

  answered(result: InferResult, { modelName, modelVersion }: GrpcExchange): void {
    const { id, wantsFinalResponse } = this;
    const answer = resultMessage(result.body, wantsFinalResponse);
    this.messages = wantsFinalResponse ? [answer, emptyFinalMessage({ modelName, modelVersion, id })] : [answer];
    this.onDone();
  }

  refused(refusal: Refusal): void {
    this.messages = [errorMessage(refusal.message, this.id, this.wantsFinalResponse)];
    this.onDone();
  }
}
