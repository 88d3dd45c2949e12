import type { IncomingMessage, ServerResponse } from 'node:http';
import { headers as names } from '@slipway/contracts';
import type { InferResult } from '@slipway/inference';
import { answerError, type Refusal } from './answers.js';
import { BodyPieces } from './body-pieces.js';
import { Exchange, type ExchangeContext } from './exchange.js';
import { shareOfRun } from './instance-link.js';
import { bodyTooLarge } from './refusals.js';
import type { RequestFacts } from './request-facts.js';
import type { ServingDeployment } from './serving-deployment.js';

/** Answers below this leave in one write together with their head, which saves a second buffer per answer; above it the copy would cost more. */
const joinBelowBytes = 16 * 1024;

/** A prediction request over HTTP. */
export class HttpExchange extends Exchange {
  /** When the last byte of the body came (ms, monotonic); the idle sweep reads it. */
  lastByteAt: number;
  private readonly pieces = new BodyPieces();

  constructor(
    context: ExchangeContext,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    deployment: ServingDeployment,
    facts: RequestFacts,
    version: number | undefined,
    now: number,
  ) {
    super(context, deployment, facts, 'http', version, now);
    this.lastByteAt = now;
    request.on('data', (chunk: Buffer) => this.onData(chunk));
    request.on('end', () => this.onBody());
    // After the answer this says nothing.
    response.on('close', () => this.cancel());
  }

  /** How fast the body has come so far, on average. @param now ms, monotonic. */
  bytesPerSecond(now: number): number {
    return (this.bodyBytes * 1000) / this.ageMs(now);
  }

  private onData(chunk: Buffer): void {
    if (this.over) return;
    const { context } = this;
    this.bodyBytes += chunk.length;
    context.heldBytes += chunk.length;
    this.lastByteAt = performance.now();
    this.pieces.add(chunk);
    if (this.bodyBytes > context.maxBodyBytes) this.fail(bodyTooLarge(context.maxBodyBytes));
    else if (context.heldBytes > context.maxHeldBytes)
      this.fail({ code: 'QUEUE_FULL', message: 'too many large bodies at once; come back in a moment' });
  }

  private onBody(): void {
    if (this.over) return;
    this.submit(this.pieces.take(), this.lastByteAt);
  }

  protected deliver(result: InferResult): void {
    const { response, facts, revision } = this;
    const { body } = result;
    const head = [
      'content-type',
      result.contentType,
      'content-length',
      String(body.length),
      names.predictionId,
      facts.predictionId,
      names.revision,
      String(revision?.number),
    ];
    const { rollout } = this.deployment.current;
    if (rollout !== undefined) head.push(names.rollout, rollout.rolloutId);
    if (result.inferenceHeaderContentLength !== undefined) head.push(names.inferenceHeaderContentLength, String(result.inferenceHeaderContentLength));
    if (result.contentEncoding !== undefined) head.push('content-encoding', result.contentEncoding, 'vary', 'accept-encoding');
    if (facts.requestId !== undefined) head.push(names.requestId, facts.requestId);
    if (facts.kind !== 'live') head.push(names.computeMicros, String(Math.round(shareOfRun(result))));
    if (this.context.isDraining) head.push('connection', 'close');
    response.writeHead(200, head);
    if (body.length < joinBelowBytes) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  }

  protected deliverRefusal(refusal: Refusal): void {
    this.pieces.clear();
    const headers = [names.predictionId, this.facts.predictionId];
    if (this.revision !== undefined) headers.push(names.revision, String(this.revision.number));
    const { rollout } = this.deployment.current;
    if (rollout !== undefined) headers.push(names.rollout, rollout.rolloutId);
    if (this.facts.requestId !== undefined) headers.push(names.requestId, this.facts.requestId);
    if (this.context.isDraining) headers.push('connection', 'close');
    answerError(this.request, this.response, { ...refusal, headers });
  }
}
