import type { IncomingMessage, ServerResponse } from 'node:http';
import { headers as names, type Outcome } from '@slipway/contracts';
import type { RoutingRevision } from '@slipway/deployments';
import type { InferReply, InferResult } from '@slipway/inference';
import type { ServingRecorder } from '@slipway/metrics';
import { answerError, type Refusal } from './answers.js';
import type { EntryList, ListNode } from './entry-list.js';
import type { InstanceLink } from './instance-link.js';
import { outcomeOf } from './outcome-of.js';
import { bodyTooLarge, cannotRoute, deadlineExceeded, noneReady, queueFull } from './refusals.js';
import type { RequestFacts } from './request-facts.js';
import type { RoutedEntry, Unroutable } from './routed-entry.js';
import type { ServingDeployment } from './serving-deployment.js';

/** Where ended requests are counted: synchronous and cheap, on the hot path. */
export type ServingSink = Pick<ServingRecorder, 'record'>;

/** What every exchange shares; made once. */
export interface ExchangeContext {
  readonly sink: ServingSink;
  readonly maxBodyBytes: number;
  /** While draining every answer closes its connection. */
  isDraining: boolean;
  /** Exchanges that are not over. */
  readonly open: EntryList<InferExchange>;
  readonly defaultDeadlineMs: number;
  /** Bodies held in memory, in bytes, and their bound. */
  heldBytes: number;
  readonly maxHeldBytes: number;
  retries: number;
}

/** A request is sent again at most this often, and only when its instance died or refused it. */
const attemptsMax = 2;
/** Answers below this leave in one write together with their head, which saves a second buffer per answer; above it the copy would cost more. */
const joinBelowBytes = 16 * 1024;

/** One prediction request from its head to its answer. Callbacks instead of promises: this is the hot path. */
export class InferExchange implements RoutedEntry {
  readonly version: number | undefined;
  readonly routingKey: string;
  queue: RoutedEntry['queue'];
  place: RoutedEntry['place'];
  /** When the last byte of the body came (ms, monotonic); the idle sweep reads it. */
  lastByteAt: number;
  private readonly arrivedAt: number;
  private readonly node: ListNode<InferExchange>;
  private deadlineAt = 0;
  private sentAt = 0;
  private chunks: Buffer[] = [];
  private body: Buffer | undefined;
  private bodyBytes = 0;
  private attempts = 0;
  private link: InstanceLink | undefined;
  private stream = 0;
  private timer: NodeJS.Timeout | undefined;
  private revision: RoutingRevision | undefined;
  private over = false;

  constructor(
    private readonly context: ExchangeContext,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly deployment: ServingDeployment,
    private readonly facts: RequestFacts,
    version: number | undefined,
    now: number,
  ) {
    this.version = version;
    this.routingKey = facts.routingKey;
    this.arrivedAt = now;
    this.lastByteAt = now;
    this.node = context.open.push(this);
    request.on('data', (chunk: Buffer) => this.onData(chunk));
    request.on('end', () => this.onBody());
    response.on('close', () => this.onClose());
  }

  get isReadingBody(): boolean {
    return this.body === undefined;
  }

  /** Time since the head of the request. @param now ms, monotonic. */
  ageMs(now: number): number {
    return now - this.arrivedAt;
  }

  /** How fast the body has come so far, on average. @param now ms, monotonic. */
  bytesPerSecond(now: number): number {
    return (this.bodyBytes * 1000) / this.ageMs(now);
  }

  /** Ends the exchange with an error answer. */
  fail(refusal: Refusal): void {
    if (this.over) return;
    const headers = [names.predictionId, this.facts.predictionId];
    if (this.revision !== undefined) headers.push(names.revision, String(this.revision.number));
    if (this.facts.requestId !== undefined) headers.push(names.requestId, this.facts.requestId);
    this.giveUp(refusal.code === 'DEADLINE_EXCEEDED');
    this.record(outcomeOf(refusal.code), undefined);
    if (this.context.isDraining) headers.push('connection', 'close');
    answerError(this.request, this.response, { ...refusal, headers });
  }

  send(link: InstanceLink, revision: RoutingRevision): void {
    const { body, facts } = this;
    if (this.over || body === undefined) return;
    const now = performance.now();
    this.revision = revision;
    this.link = link;
    this.attempts += 1;
    this.sentAt = now;
    this.stream = link.client.infer(
      {
        predictionId: facts.predictionId,
        deadlineMs: this.deadlineAt - now,
        priority: facts.priority,
        kind: 'live',
        modelName: this.deployment.current.name,
        contentType: facts.contentType,
        contentEncoding: facts.contentEncoding,
        inferenceHeaderContentLength: facts.inferenceHeaderContentLength,
        acceptEncoding: facts.acceptEncoding,
        traceparent: facts.traceparent,
        body,
      },
      (reply) => this.onReply(reply, link),
    );
  }

  refuse(refusal: 'not_ready' | 'queue_full', revision: RoutingRevision, retryAfterSeconds: number): void {
    this.revision = revision;
    const { name } = this.deployment.current;
    if (refusal === 'queue_full') this.fail(queueFull(name, revision.maxQueue, retryAfterSeconds));
    else this.fail(noneReady(name, this.attempts > 0, retryAfterSeconds));
  }

  unroutable(why: Unroutable): void {
    this.fail(cannotRoute(why, this.deployment.current, this.version));
  }

  private onData(chunk: Buffer): void {
    if (this.over) return;
    const { context } = this;
    this.bodyBytes += chunk.length;
    context.heldBytes += chunk.length;
    this.lastByteAt = performance.now();
    this.chunks.push(chunk);
    if (this.bodyBytes > context.maxBodyBytes) this.fail(bodyTooLarge(context.maxBodyBytes));
    else if (context.heldBytes > context.maxHeldBytes)
      this.fail({ code: 'QUEUE_FULL', message: 'too many large bodies at once; come back in a moment' });
  }

  private onBody(): void {
    if (this.over) return;
    const { chunks } = this;
    const only = chunks[0];
    this.body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    this.chunks = [];
    const now = this.lastByteAt;
    // A deadline the caller states is theirs from the first byte on; the default one only bounds the serving.
    const { statedDeadlineMs } = this.facts;
    const ownDeadlineMs = this.deployment.deadlineMs(this.version) ?? this.context.defaultDeadlineMs;
    this.deadlineAt = statedDeadlineMs === undefined ? now + ownDeadlineMs : this.arrivedAt + statedDeadlineMs;
    const leftMs = this.deadlineAt - performance.now();
    if (leftMs <= 0) {
      this.onDeadline();
      return;
    }
    this.timer = setTimeout(onDeadline, leftMs, this);
    this.deployment.retries.deposit();
    this.deployment.route(this);
  }

  private onReply(reply: InferReply, link: InstanceLink): void {
    this.link = undefined;
    switch (reply.kind) {
      case 'result':
        this.answer(reply);
        link.succeeded(reply.computeMicros);
        return;
      case 'gone':
        link.gone();
        this.retryOr({ code: 'INSTANCE_GONE', message: 'the instance ended while it had this request' });
        return;
      case 'error':
        this.onError(reply.code, reply.message, link);
        return;
    }
  }

  private onError(code: Refusal['code'], message: string, link: InstanceLink): void {
    if (code === 'QUEUE_FULL' || code === 'DRAINING' || code === 'DEPLOYMENT_NOT_READY') {
      link.answered();
      this.retryOr({ code, message });
      return;
    }
    this.fail({ code, message });
    if (code === 'MODEL_RUN_FAILED' || code === 'INTERNAL') link.failed(performance.now());
    else link.answered();
  }

  /** Once more elsewhere when that is allowed, safe and still in time. */
  private retryOr(refusal: Refusal): void {
    if (this.over) return;
    if (this.attempts >= attemptsMax || performance.now() >= this.deadlineAt || !this.deployment.retries.withdraw()) {
      this.fail(refusal);
      return;
    }
    this.context.retries += 1;
    this.deployment.route(this);
  }

  private answer(result: InferResult): void {
    if (this.over) return;
    const { response, facts, revision } = this;
    this.giveUp(false);
    this.record(result.invalidOutput ? 'nan_output' : 'success', result);
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
    if (result.inferenceHeaderContentLength !== undefined) head.push(names.inferenceHeaderContentLength, String(result.inferenceHeaderContentLength));
    if (result.contentEncoding !== undefined) head.push('content-encoding', result.contentEncoding, 'vary', 'accept-encoding');
    if (facts.requestId !== undefined) head.push(names.requestId, facts.requestId);
    if (this.context.isDraining) head.push('connection', 'close');
    response.writeHead(200, head);
    if (body.length < joinBelowBytes) response.end(body.toString('latin1'), 'latin1');
    else response.end(body);
  }

  /** The caller's connection is gone; after the answer this says nothing. */
  private onClose(): void {
    if (this.over) return;
    this.giveUp(false);
    this.record('cancelled', undefined);
  }

  onDeadline(): void {
    this.fail(deadlineExceeded(performance.now() - this.arrivedAt));
  }

  /** Ends everything that is under way for this exchange. After it, nothing of it is left in a queue, a timer or an instance. */
  private giveUp(isDeadline: boolean): void {
    this.over = true;
    const { context, link } = this;
    context.open.remove(this.node);
    context.heldBytes -= this.bodyBytes;
    clearTimeout(this.timer);
    this.queue?.withdraw(this);
    this.chunks = [];
    if (link === undefined) return;
    this.link = undefined;
    link.client.cancel(this.stream);
    if (isDeadline) link.failed(performance.now());
    else link.answered();
  }

  private record(outcome: Outcome, result: InferResult | undefined): void {
    const { revision } = this;
    const now = performance.now();
    const { current } = this.deployment;
    this.context.sink.record({
      projectId: current.projectId,
      deploymentId: current.deploymentId,
      deployment: current.name,
      revisionId: revision?.revisionId ?? '',
      revision: revision?.number ?? 0,
      versionNumber: revision?.versionNumber ?? 0,
      role: 'stable',
      outcome,
      durationSeconds: (now - this.arrivedAt) / 1e3,
      queueSeconds: result === undefined ? undefined : (this.sentAt - this.arrivedAt) / 1e3 + result.queueMicros / 1e6,
      computeSeconds: result === undefined ? undefined : result.computeMicros / 1e6,
      rows: result?.rows ?? 0,
      requestBytes: this.bodyBytes,
      responseBytes: result?.body.length ?? 0,
    });
  }
}

function onDeadline(exchange: InferExchange): void {
  exchange.onDeadline();
}
