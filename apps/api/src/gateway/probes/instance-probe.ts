import { bodyBytesOf, type ContentKind, type FrameBody, type InferReply, type ProbeFrame, rankOf } from '@slipway/inference';
import { fingerprintOf } from '../fingerprint.js';
import type { InstanceLink } from '../instance-link.js';
import type { RequestFacts } from '../request-facts.js';
import type { RoutedEntry } from '../routed-entry.js';

/** Nobody waits for a probe. */
export const probeDeadlineMs = 10_000;

/** An input that can be sent again; absent facts and an empty body stand for inputs that the instance makes up. */
export interface ProbedInput {
  readonly facts?: Pick<RequestFacts, 'contentType' | 'contentEncoding' | 'inferenceHeaderContentLength'>;
  readonly contentKind: ContentKind;
  readonly body: FrameBody;
}

export interface ProbePlan {
  readonly frame: ProbeFrame;
  readonly runs: number;
  readonly input: ProbedInput;
  readonly modelName: string;
  /** Which instances it may go to. */
  readonly accepts: (link: InstanceLink) => boolean;
}

/** How a probe ended: with a report; failed by the model; not understood; or without having been made. */
export type ProbeEnd =
  | { readonly kind: 'report'; readonly link: InstanceLink; readonly report: unknown }
  | { readonly kind: 'failed'; readonly link: InstanceLink }
  | { readonly kind: 'unknown'; readonly link: InstanceLink }
  | { readonly kind: 'dropped'; readonly wasSent: boolean };

/**
 * A request of the gateway's own that measures something in an instance, behind all that anybody waits for, in the queue like all others. What
 * becomes of it is told to the one who asked and says nothing about the instance.
 */
export class InstanceProbe implements RoutedEntry {
  readonly version = undefined;
  readonly routingKey = '';
  readonly rank = rankOf('probe', 0);
  readonly isCopy = true;
  readonly isRetry = false;
  readonly deadlineAt: number;
  readonly bytes: number;
  place: RoutedEntry['place'];
  queue: RoutedEntry['queue'];
  private readonly timer: NodeJS.Timeout;
  private link: InstanceLink | undefined;
  private stream = 0;
  private over = false;

  constructor(
    private readonly plan: ProbePlan,
    /** Told exactly once, maybe before this returns from a lane. */
    private readonly onEnd: (end: ProbeEnd) => void,
    deadlineMs = probeDeadlineMs,
  ) {
    this.bytes = bodyBytesOf(plan.input.body);
    this.deadlineAt = performance.now() + deadlineMs;
    this.timer = setTimeout(() => this.giveUp(), deadlineMs);
    this.timer.unref();
  }

  get fingerprint(): string {
    const { body, facts } = this.plan.input;
    return fingerprintOf(body, facts?.inferenceHeaderContentLength);
  }

  accepts(link: InstanceLink): boolean {
    return this.plan.accepts(link);
  }

  send(link: InstanceLink): void {
    if (this.over) return;
    const { frame, runs, input, modelName } = this.plan;
    this.link = link;
    link.probeStarted();
    this.stream = link.client.infer(
      {
        predictionId: '',
        deadlineMs: this.deadlineAt - performance.now(),
        priority: 0,
        kind: 'probe',
        modelName,
        ...input.facts,
        contentKind: input.contentKind,
        alone: true,
        probe: { frame, runs },
        body: input.body,
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
    this.giveUp();
  }

  /** Ends it, wherever it is. */
  giveUp(): void {
    const { link } = this;
    if (link !== undefined) link.client.cancel(this.stream);
    this.end({ kind: 'dropped', wasSent: link !== undefined });
  }

  private onReply(reply: InferReply, link: InstanceLink): void {
    switch (reply.kind) {
      case 'result':
        this.end(reply.isProbed ? readReport(reply.body, link) : { kind: 'unknown', link });
        return;
      case 'gone':
        this.end({ kind: 'dropped', wasSent: true });
        return;
      case 'error':
        this.end(isRefusal(reply.code) ? { kind: 'dropped', wasSent: reply.code === 'DEADLINE_EXCEEDED' } : { kind: 'failed', link });
        return;
    }
  }

  private end(end: ProbeEnd): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.queue?.withdraw(this);
    const { link } = this;
    this.link = undefined;
    this.onEnd(end);
    link?.probeEnded();
  }
}

function readReport(body: Buffer, link: InstanceLink): ProbeEnd {
  try {
    return { kind: 'report', link, report: JSON.parse(body.toString('utf8')) };
  } catch {
    return { kind: 'failed', link };
  }
}

function isRefusal(code: Extract<InferReply, { kind: 'error' }>['code']): boolean {
  return code === 'QUEUE_FULL' || code === 'DRAINING' || code === 'DEPLOYMENT_NOT_READY' || code === 'DEADLINE_EXCEEDED';
}
