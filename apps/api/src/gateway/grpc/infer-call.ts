import { messageOf, SlipwayError } from '@slipway/contracts';
import { type FrameBody, type GrpcRoute, type InferResult, readGrpcRoute } from '@slipway/inference';
import type { Refusal } from '../answers.js';
import { type CallParts, GrpcCall } from './grpc-call.js';
import type { GrpcExchange, InferSink } from './grpc-exchange.js';
import type { InferDesk } from './infer-desk.js';

/** Who calls, as far as a prediction depends on it. */
export interface InferCaller {
  readonly projectId: string;
  readonly isInternal: boolean;
}

/** ModelInfer: one request, one answer. */
export class InferCall extends GrpcCall implements InferSink {
  private hasMessage = false;
  private exchange: GrpcExchange | undefined;

  constructor(
    parts: CallParts,
    private readonly desk: InferDesk,
    private readonly caller: InferCaller,
  ) {
    super(parts);
  }

  answered(result: InferResult, exchange: GrpcExchange): void {
    this.answer(exchange.metadata, result.body, result.contentEncoding);
  }

  refused(refusal: Refusal, exchange?: GrpcExchange): void {
    this.fail(refusal, exchange?.metadata);
  }

  protected override get owesMessage(): boolean {
    return !this.hasMessage;
  }

  /** Goes on its way at once: the end of the call says nothing more. */
  protected onMessage(body: FrameBody): void {
    if (this.hasMessage) {
      this.fail({ code: 'INFER_INVALID', message: 'a second message came in a call of one; send streams to ModelStreamInfer' });
      return;
    }
    this.hasMessage = true;
    const route = routeOf(body);
    if ('code' in route) {
      this.fail(route);
      return;
    }
    const { headers, arrivedAt, deadlineAt } = this;
    this.exchange = this.desk.start({ body, route, ...this.caller, headers, arrivedAt, deadlineAt, acceptEncoding: wantedEncoding(headers) }, this);
  }

  protected onHalfClose(): void {
    if (!this.hasMessage) this.fail({ code: 'INFER_INVALID', message: 'the call ended without a message' });
  }

  protected override onOver(): void {
    this.exchange?.cancel();
  }
}

/** Reads where a request wants to go, or why nobody can tell. */
export function routeOf(body: FrameBody): GrpcRoute | Refusal {
  try {
    return readGrpcRoute(body);
  } catch (error) {
    if (error instanceof SlipwayError) return { code: error.code, message: error.message };
    return { code: 'INTERNAL', message: messageOf(error) };
  }
}

/** A caller that compresses its request wants the answer so too, as far as it says that it can read it; others get it as it is. */
function wantedEncoding(headers: CallParts['headers']): string | undefined {
  const encoding = headers['grpc-encoding'];
  if (encoding !== 'gzip' && encoding !== 'deflate') return undefined;
  const accepted = headers['grpc-accept-encoding'];
  if (accepted === undefined) return encoding;
  const names = String(accepted).split(',');
  return names.some((name) => name.trim() === encoding) ? encoding : undefined;
}
