import type { Outcome } from '@slipway/contracts';
import { bodyBytesOf, type ContentKind, type FrameBody, type InferReply, type InferResult, rankOf } from '@slipway/inference';
import { fingerprintOf } from '../fingerprint.js';
import type { InstanceLink } from '../instance-link.js';
import { answerOutcome, outcomeOf } from '../outcome-of.js';
import type { RequestFacts } from '../request-facts.js';
import type { RoutedEntry } from '../routed-entry.js';

/** Nobody waits for a copy, so nothing is lost by giving it up. */
export const copyDeadlineMs = 5_000;
/** What was in an instance for this long and got no answer has failed; what had less time says nothing. */
const fairChanceMs = 1_000;

/** A request whose answer is out, as far as it can be sent again. */
export interface CopiedRequest {
  readonly facts: RequestFacts;
  readonly contentKind: ContentKind;
  readonly body: FrameBody;
  readonly modelName: string;
}

/** How a copy ended: answered, failed in an instance, or given up for want of room or time. */
export type CopyFate = 'answered' | 'failed' | 'dropped';

/** Whoever keeps the copies under way within bounds. */
export interface CopyHolder {
  release(copy: RequestCopy, fate: CopyFate): void;
}

/** What became of a copy that an instance had. */
export interface CopyEnd {
  readonly outcome: Outcome;
  readonly result: InferResult | undefined;
  /** Seconds from sending it to its end. */
  readonly durationSeconds: number;
}

/** A request that goes once more to another revision, behind everything that somebody waits for. Its answer is compared and thrown away. */
export class RequestCopy implements RoutedEntry {
  readonly version = undefined;
  readonly routingKey = '';
  readonly rank = rankOf('shadow', 0);
  readonly isCopy = true;
  readonly isRetry = false;
  readonly deadlineAt: number;
  readonly bytes: number;
  place: RoutedEntry['place'];
  queue: RoutedEntry['queue'];
  private readonly timer: NodeJS.Timeout;
  private link: InstanceLink | undefined;
  private stream = 0;
  private sentAt = 0;
  private over = false;

  constructor(
    private readonly holder: CopyHolder,
    private readonly request: CopiedRequest,
    /** Told at most once: not of a copy that was given up. */
    private readonly onEnd: (end: CopyEnd) => void,
    deadlineMs = copyDeadlineMs,
  ) {
    this.bytes = bodyBytesOf(request.body);
    this.deadlineAt = performance.now() + deadlineMs;
    this.timer = setTimeout(() => this.onDeadline(), deadlineMs);
    this.timer.unref();
  }

  get fingerprint(): string {
    return fingerprintOf(this.request.body, this.request.facts.inferenceHeaderContentLength);
  }

  send(link: InstanceLink): void {
    if (this.over) return;
    const { facts, contentKind, body, modelName } = this.request;
    this.link = link;
    this.sentAt = performance.now();
    this.stream = link.client.infer(
      {
        predictionId: facts.predictionId,
        deadlineMs: this.deadlineAt - this.sentAt,
        priority: 0,
        kind: 'shadow',
        modelName,
        contentType: facts.contentType,
        contentEncoding: facts.contentEncoding,
        inferenceHeaderContentLength: facts.inferenceHeaderContentLength,
        contentKind,
        observe: true,
        body,
      },
      (reply) => this.onReply(reply, link),
    );
  }

  refuse(): void {
    this.giveUp();
  }

  unroutable(): void {
    this.giveUp();
  }

  onDeadline(): void {
    if (this.over) return;
    const { link } = this;
    const hadChance = link !== undefined && performance.now() - this.sentAt >= fairChanceMs;
    if (!hadChance) {
      this.giveUp();
      return;
    }
    this.end('failed');
    this.tell('deadline_exceeded', undefined);
  }

  /** Ends it without a word. */
  giveUp(): void {
    this.end('dropped');
  }

  private onReply(reply: InferReply, link: InstanceLink): void {
    this.link = undefined;
    switch (reply.kind) {
      case 'result':
        this.end('answered');
        this.tell(answerOutcome(reply), reply);
        // Counted for the load of the instance only: what becomes of copies never speaks against it.
        link.succeeded(reply);
        return;
      case 'gone':
        this.end('failed');
        this.tell('instance_crashed', undefined);
        link.gone(this.fingerprint, this.sentAt);
        return;
      case 'error':
        this.onError(reply.code);
        link.released();
        return;
    }
  }

  private onError(code: Extract<InferReply, { kind: 'error' }>['code']): void {
    const isRefusal = code === 'QUEUE_FULL' || code === 'DRAINING' || code === 'DEPLOYMENT_NOT_READY' || code === 'DEADLINE_EXCEEDED';
    this.end(isRefusal ? 'dropped' : 'failed');
    if (!isRefusal) this.tell(outcomeOf(code), undefined);
  }

  private tell(outcome: Outcome, result: InferResult | undefined): void {
    this.onEnd({ outcome, result, durationSeconds: (performance.now() - this.sentAt) / 1e3 });
  }

  /** After it, nothing of the copy is left in a queue, a timer or an instance. */
  private end(how: CopyFate): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.holder.release(this, how);
    this.queue?.withdraw(this);
    const { link } = this;
    if (link === undefined) return;
    this.link = undefined;
    link.client.cancel(this.stream);
    link.released();
  }
}
