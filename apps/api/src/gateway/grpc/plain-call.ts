import { headers as names, SlipwayError } from '@slipway/contracts';
import type { FrameBody } from '@slipway/inference';
import type { Logger } from '@slipway/platform';
import type { Refusal } from '../answers.js';
import { type CallParts, GrpcCall, joined } from './grpc-call.js';
import type { Codec, Fields } from './grpc-schema.js';
import type { MethodCaller } from './protocol-methods.js';

/** What one method of one request and one answer is made of. */
export interface PlainMethod {
  readonly request: Codec;
  readonly response: Codec;
  /** @throws SlipwayError */
  handle(request: Fields, caller: MethodCaller): Fields | Promise<Fields>;
}

/** A call of one request and one answer, beside predictions. */
export class PlainCall extends GrpcCall {
  private hasMessage = false;
  private readonly left = new AbortController();

  constructor(
    parts: CallParts,
    private readonly method: PlainMethod,
    private readonly caller: { readonly projectId: string; readonly actor: string },
    private readonly log: Logger,
  ) {
    super(parts);
  }

  protected override get owesMessage(): boolean {
    return !this.hasMessage;
  }

  protected onMessage(body: FrameBody): void {
    if (this.hasMessage) {
      this.fail({ code: 'REQUEST_INVALID', message: 'a second message came in a call of one' });
      return;
    }
    this.hasMessage = true;
    this.work(joined(body)).then(
      (answer) => this.answer({}, answer),
      (error: unknown) => this.fail(this.refusalOf(error)),
    );
  }

  protected onHalfClose(): void {
    if (!this.hasMessage) this.fail({ code: 'REQUEST_INVALID', message: 'the call ended without a message' });
  }

  protected override onOver(): void {
    this.left.abort();
  }

  private async work(body: Buffer): Promise<Buffer> {
    const { method, headers, deadlineAt } = this;
    const given = headers[names.requestId];
    const requestId = typeof given === 'string' ? given.slice(0, 128) : undefined;
    const caller = { ...this.caller, requestId, leftMs: deadlineAt - performance.now(), signal: this.left.signal };
    return method.response.encode(await method.handle(decode(method.request, body), caller));
  }

  private refusalOf(error: unknown): Refusal {
    if (!(error instanceof SlipwayError)) {
      this.log.error({ err: error, path: this.headers[':path'] }, 'gRPC call failed');
      return { code: 'INTERNAL', message: 'something went wrong inside Slipway; its log has it' };
    }
    const { code, message, retryAfterSeconds } = error;
    return { code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
}

function decode(codec: Codec, body: Buffer): Fields {
  try {
    return codec.decode(body);
  } catch (error) {
    throw new SlipwayError('REQUEST_INVALID', 'the message is not a protobuf message of its kind', { cause: error });
  }
}
