import type { Outcome, Role } from '@slipway/contracts';
import type { RoutingRevision } from '@slipway/deployments';
import { type ContentKind, type EntryList, type FrameBody, type InferReply, type InferResult, type ListNode, rankOf } from '@slipway/inference';
import type { FailureSampler, ServingRecorder } from '@slipway/metrics';
import type { Refusal } from './answers.js';
import { fingerprintOf } from './fingerprint.js';
import type { InstanceLink } from './instance-link.js';
import { answerOutcome, outcomeOf } from './outcome-of.js';
import type { ProbeDesk } from './probes/probe-desk.js';
import type { QuotaGates, QuotaGuest, QuotaPass } from './quota-gates.js';
import { cannotRoute, deadlineExceeded, refusalOfLane } from './refusals.js';
import type { RequestFacts } from './request-facts.js';
import type { SampleSink } from './request-samples/answered-request.js';
import type { LaneRefusal, RoutedEntry, Unroutable } from './routed-entry.js';
import type { ServingDeployment } from './serving-deployment.js';
import type { EndedRequest } from './trials/trial.js';

/** Where ended requests are counted: synchronous and cheap, on the hot path. */
export type ServingSink = Pick<ServingRecorder, 'record'>;

/** Where some of the requests that failed are kept. */
export type FailureSink = Pick<FailureSampler, 'offer'>;

/** What every exchange shares; made once. */
export interface ExchangeContext {
  readonly sink: ServingSink;
  /** Keeps a sample of real requests, where a revision wishes it. */
  readonly samples?: SampleSink | undefined;
  /** Keeps some of the requests that failed. */
  readonly failures?: FailureSink | undefined;
  /** Measures the noise of predictions with some of the requests that were answered. */
  readonly probes?: Pick<ProbeDesk, 'offer'> | undefined;
  readonly maxBodyBytes: number;
  /** While draining every answer closes its connection. */
  isDraining: boolean;
  /** Exchanges that are not over. */
  readonly open: EntryList<Exchange>;
  readonly defaultDeadlineMs: number;
  /** Bodies held in memory, in bytes, and their bound. */
  heldBytes: number;
  readonly maxHeldBytes: number;
  retries: number;
  /** Without it nothing is limited. */
  readonly quotas?: QuotaGates | undefined;
}

/** A request is sent again at most this often, and only when its instance died or refused it. */
const attemptsMax = 2;

/**
 * One prediction request from its head to its answer, whatever protocol its caller speaks: deadline, routing, the one retry, counting.
 * Callbacks instead of promises: this is the hot path. A protocol adds how the body comes in and how an answer goes out.
 */
export abstract class Exchange implements RoutedEntry, QuotaGuest {
  readonly version: number | undefined;
  readonly routingKey: string;
  readonly rank: number;
  queue: RoutedEntry['queue'];
  place: RoutedEntry['place'];
  deadlineAt = 0;
  protected over = false;
  protected bodyBytes = 0;
  protected revision: RoutingRevision | undefined;
  private body: FrameBody | undefined;
  private readonly node: ListNode<Exchange>;
  private sentAt = 0;
  private attempts = 0;
  /** It was in an instance when that ended. */
  private isSuspect = false;
  private link: InstanceLink | undefined;
  private stream = 0;
  private timer: NodeJS.Timeout | undefined;
  private pass: QuotaPass | undefined;

  constructor(
    protected readonly context: ExchangeContext,
    protected readonly deployment: ServingDeployment,
    protected readonly facts: RequestFacts,
    private readonly contentKind: ContentKind,
    version: number | undefined,
    /** When its head came, ms on a monotonic clock. */
    protected readonly arrivedAt: number,
  ) {
    this.version = version;
    this.routingKey = facts.routingKey;
    this.rank = rankOf(facts.kind, facts.priority);
    this.node = context.open.push(this);
  }

  /** Whether its body is still coming. */
  get isReadingBody(): boolean {
    return this.body === undefined;
  }

  /** What it holds in memory. */
  get heldBytes(): number {
    return this.bodyBytes;
  }

  /** Time since the head of the request. @param now ms, monotonic. */
  ageMs(now: number): number {
    return now - this.arrivedAt;
  }

  get isRetry(): boolean {
    return this.attempts > 0;
  }

  /** What the input is recognised by when it comes again; the price of a hash. */
  get fingerprint(): string {
    return fingerprintOf(this.body ?? noBody, this.facts.inferenceHeaderContentLength);
  }

  /** The result goes out; the exchange is over and counted. */
  protected abstract deliver(result: InferResult): void;

  /** The refusal goes out; the exchange is over and counted. */
  protected abstract deliverRefusal(refusal: Refusal): void;

  /**
   * Ends the exchange with an error answer.
   * @param isModels whether the model itself, or the reading of its inputs, refused it
   * @param link the instance that has, or just had, the request
   */
  fail(refusal: Refusal, isModels = false, link = this.link): void {
    if (this.over) return;
    const hadTime = link?.hadTime(this.sentAt, performance.now()) ?? false;
    this.end(refusal.code === 'DEADLINE_EXCEEDED');
    this.record(outcomeOf(refusal.code), undefined);
    this.deliverRefusal(refusal);
    this.offerFailure(outcomeOf(refusal.code), refusal);
    this.tellTrial(outcomeOf(refusal.code), undefined, { hadModel: isModels, hadTime });
  }

  /** The caller is gone: nobody waits for an answer any more. */
  cancel(): void {
    if (this.over) return;
    this.end(false);
    this.record('cancelled', undefined);
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
        kind: facts.kind,
        modelName: this.deployment.current.name,
        contentType: facts.contentType,
        contentEncoding: facts.contentEncoding,
        inferenceHeaderContentLength: facts.inferenceHeaderContentLength,
        acceptEncoding: facts.acceptEncoding,
        traceparent: facts.traceparent,
        contentKind: this.contentKind,
        alone: this.isSuspect,
        observe: this.deployment.trial !== undefined && this.isJudged,
        body,
      },
      (reply) => this.onReply(reply, link),
    );
  }

  refuse(refusal: LaneRefusal, revision: RoutingRevision): void {
    this.revision = revision;
    this.fail(refusalOfLane(refusal, this.deployment.current.name, revision, this.attempts > 0));
  }

  unroutable(why: Unroutable): void {
    this.fail(cannotRoute(why, this.deployment.current, this.version));
  }

  onDeadline(): void {
    this.fail(deadlineExceeded(performance.now() - this.arrivedAt));
  }

  /** The body is whole: its time begins to run and it goes its way. @param now when its last byte came. */
  protected submit(body: FrameBody, now: number): void {
    this.body = body;
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
    this.pass = this.context.quotas?.passFor(this, this.deployment.current, this.facts.kind);
    if (this.pass === undefined) this.letIn();
    else this.pass.enter();
  }

  /** No quota stands in its way any more. */
  letIn(): void {
    this.deployment.route(this);
  }

  private onReply(reply: InferReply, link: InstanceLink): void {
    this.link = undefined;
    switch (reply.kind) {
      case 'result':
        this.onResult(reply, link);
        return;
      case 'gone':
        this.isSuspect = true;
        link.gone(this.fingerprint, this.sentAt);
        this.retryOr({ code: 'INSTANCE_GONE', message: 'the instance ended while it had this request' });
        return;
      case 'error':
        this.onError(reply.code, reply.message, link);
        return;
    }
  }

  private onResult(result: InferResult, link: InstanceLink): void {
    if (!this.over) {
      this.end(false);
      const outcome = answerOutcome(result);
      this.record(outcome, result);
      link.acquit(this);
      this.deliver(result);
      this.offerSample(result);
      this.offerProbe();
      this.tellTrial(outcome, result, { hadModel: true, hadTime: true });
    }
    link.succeeded(result);
  }

  /** Whether it belongs to the traffic that a trial is about: live, and not addressed to one version. */
  private get isJudged(): boolean {
    return this.version === undefined && this.facts.kind === 'live';
  }

  private get role(): Role {
    const { trial } = this.deployment;
    return trial === undefined || this.revision === undefined ? 'stable' : trial.roleOf(this.revision.revisionId);
  }

  /** After the answer is out. */
  private tellTrial(outcome: Outcome, result: InferResult | undefined, had: Pick<EndedRequest, 'hadModel' | 'hadTime'>): void {
    const { trial } = this.deployment;
    const { body, revision, facts, contentKind } = this;
    if (trial === undefined || revision === undefined || body === undefined || !this.isJudged) return;
    const durationSeconds = (performance.now() - this.arrivedAt) / 1e3;
    trial.ended({ ...had, revision, outcome, result, durationSeconds, facts, contentKind, body, modelName: this.deployment.current.name });
  }

  private offerFailure(reason: Outcome, refusal?: Refusal): void {
    const { current } = this.deployment;
    if (reason === 'success' || this.facts.kind !== 'live') return;
    this.context.failures?.offer({
      predictionId: this.facts.predictionId,
      projectId: current.projectId,
      deploymentId: current.deploymentId,
      revisionId: this.revision?.revisionId ?? '',
      versionNumber: this.revision?.versionNumber ?? 0,
      reason,
      code: refusal?.code,
      message: refusal?.message,
    });
  }

  private offerSample(result: InferResult): void {
    const { revision, body, facts, contentKind } = this;
    if (revision?.requestSamples === undefined || body === undefined || facts.kind !== 'live') return;
    this.context.samples?.offer({ deployment: this.deployment.current, revision, facts, contentKind, body, result });
  }

  private offerProbe(): void {
    const { revision, body, facts, contentKind, deployment } = this;
    if (revision === undefined || body === undefined || facts.kind !== 'live') return;
    this.context.probes?.offer({ deployment, revision, facts, contentKind, body });
  }

  private onError(code: Refusal['code'], message: string, link: InstanceLink): void {
    if (code === 'QUEUE_FULL' || code === 'DRAINING' || code === 'DEPLOYMENT_NOT_READY') {
      link.released();
      this.retryOr({ code, message });
      return;
    }
    this.fail({ code, message }, true, link);
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
    const { trial } = this.deployment;
    if (trial !== undefined && this.isJudged && this.revision !== undefined && refusal.code === 'INSTANCE_GONE')
      trial.lost(this.revision, (performance.now() - this.arrivedAt) / 1e3);
    this.deployment.route(this);
  }

  /** Ends everything that is under way for this exchange. After it, nothing of it is left in a queue, a timer or an instance. */
  private end(isDeadline: boolean): void {
    this.over = true;
    const { context, link } = this;
    context.open.remove(this.node);
    context.heldBytes -= this.bodyBytes;
    clearTimeout(this.timer);
    this.queue?.withdraw(this);
    this.pass?.leave();
    if (link === undefined) return;
    this.link = undefined;
    link.client.cancel(this.stream);
    if (isDeadline) link.overran(this.fingerprint, this.sentAt, performance.now());
    else link.released();
  }

  private record(outcome: Outcome, result: InferResult | undefined): void {
    // What is not live must not show in the statistics of real traffic.
    if (this.facts.kind !== 'live') return;
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
      role: this.role,
      outcome,
      durationSeconds: (now - this.arrivedAt) / 1e3,
      queueSeconds: result === undefined ? undefined : (this.sentAt - this.arrivedAt) / 1e3 + result.queueMicros / 1e6,
      computeSeconds: result === undefined ? undefined : result.computeMicros / 1e6,
      decodeSeconds: result === undefined ? undefined : result.decodeMicros / 1e6,
      encodeSeconds: result === undefined ? undefined : result.encodeMicros / 1e6,
      rows: result?.rows ?? 0,
      batchRows: result?.batchRows ?? 0,
      runs: result?.runs ?? 0,
      requestBytes: this.bodyBytes,
      responseBytes: result?.body.length ?? 0,
    });
  }
}

const noBody = Buffer.alloc(0);

function onDeadline(exchange: Exchange): void {
  exchange.onDeadline();
}
