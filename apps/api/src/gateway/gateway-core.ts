import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { RoutingSnapshot } from '@slipway/deployments';
import { EntryList } from '@slipway/inference';
import { EvidenceRecorder } from '@slipway/metrics';
import { answerError, type Refusal } from './answers.js';
import type { ExchangeContext, FailureSink, ServingSink } from './exchange.js';
import { HttpExchange } from './http-exchange.js';
import { LiveRouting } from './live-routing.js';
import { ModelStatistics } from './model-statistics.js';
import { PredictionIds } from './prediction-id.js';
import { ProbeDesk, type ProbeDeskOptions } from './probes/probe-desk.js';
import { notServed, ProtocolInfo } from './protocol-info.js';
import type { QuotaGates } from './quota-gates.js';
import { bodyTooLarge } from './refusals.js';
import type { RepositoryControl } from './repository-control.js';
import { isRefusal, readFacts } from './request-facts.js';
import type { SampleSink } from './request-samples/answered-request.js';
import { type GatewayRoute, gatewayRoutes, isGatewayUrl, parseRoute } from './routes.js';
import { CopyDesk } from './trials/copy-desk.js';
import { EjectionReporter, type ReportEjection } from './trials/ejection-reporter.js';

/** What a request says of itself before its body, over HTTP and over gRPC. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Who calls: the project decides what names mean. */
export type Admission =
  | {
      readonly ok: true;
      readonly projectId: string;
      /** For the events of what it changes. */
      readonly actor?: string;
      /** A part of Slipway itself. */
      readonly isInternal?: boolean;
    }
  | ({ readonly ok: false } & Refusal);

export interface GatewayOptions {
  readonly serverName: string;
  readonly serverVersion: string;
  readonly maxBodyBytes: number;
  readonly defaultDeadlineMs: number;
  readonly sink: ServingSink;
  /** Without it no requests are kept. */
  readonly samples?: SampleSink | undefined;
  /** Keeps some of the requests that failed. */
  readonly failures?: FailureSink | undefined;
  /** Where the noise of predictions is counted; without it none is measured. */
  readonly noise?: ProbeDeskOptions;
  /** Where it is counted what candidates and shadows answer. */
  readonly evidence?: EvidenceRecorder;
  /** Told when a candidate was taken back by this gateway, until it resolves. */
  readonly reportEjection?: ReportEjection;
  /** Without it nothing is limited. */
  readonly quotas?: QuotaGates | undefined;
  /** Loads and unloads; without it those routes are not supported. */
  readonly repository?: RepositoryControl;
  /** Whether the request may use the route; synchronous, from memory. */
  readonly admit: (request: RequestHead, route: GatewayRoute) => Admission;
  /** A body of which no byte came for this long is given up; default 30 s. */
  readonly bodyIdleMs?: number;
  /** Bodies held in memory at once, in bytes; default 32 of the full size. */
  readonly maxHeldBytes?: number;
}

const bodyIdleMs = 30_000;
/** A body that is slower than this, on average, is meant to hold the connection. */
const slowestBytesPerSecond = 1024;
const sweepEveryMs = 1_000;
const heldBodies = 32;
/** Bound of one answer from an instance. */
const maxFrameBytes = 1024 * 1024 * 1024;

interface Admitted {
  readonly route: GatewayRoute;
  readonly projectId: string;
  readonly actor: string | undefined;
  readonly isInternal: boolean;
}

/** Everything under /v2 on the raw HTTP server, outside any framework: it needs a snapshot and nothing else. */
export class GatewayCore {
  readonly routing: LiveRouting;
  /** Copies of requests, for candidates and shadows. */
  readonly copies: CopyDesk;
  /** Probes of the noise of predictions. */
  readonly probes: ProbeDesk | undefined;
  readonly statistics = new ModelStatistics();
  /** What every exchange shares, whatever protocol its caller speaks. */
  readonly context: ExchangeContext;
  readonly ids = new PredictionIds();
  private readonly evidence: EvidenceRecorder;
  private readonly reporter: EjectionReporter;
  private readonly info: ProtocolInfo;
  private readonly sweep: NodeJS.Timeout;
  private readonly bodyIdleMs: number;
  private loaded = false;

  constructor(private readonly options: GatewayOptions) {
    this.evidence = options.evidence ?? new EvidenceRecorder();
    this.copies = new CopyDesk(this.evidence, (request) => options.sink.record(request));
    const probes = options.noise === undefined ? undefined : new ProbeDesk(options.noise);
    this.probes = probes;
    if (probes !== undefined) this.copies.onPair = (...both) => probes.pair(...both);
    this.reporter = new EjectionReporter(options.reportEjection ?? (() => Promise.resolve()));
    this.routing = new LiveRouting(maxFrameBytes, { desk: this.copies, reporter: this.reporter });
    this.context = {
      sink: {
        record: (request) => {
          options.sink.record(request);
          this.statistics.record(request);
        },
      },
      samples: options.samples,
      failures: options.failures,
      probes,
      quotas: options.quotas,
      maxBodyBytes: options.maxBodyBytes,
      defaultDeadlineMs: options.defaultDeadlineMs,
      maxHeldBytes: options.maxHeldBytes ?? heldBodies * options.maxBodyBytes,
      heldBytes: 0,
      isDraining: false,
      open: new EntryList(),
      retries: 0,
    };
    this.info = new ProtocolInfo(this, options);
    this.bodyIdleMs = options.bodyIdleMs ?? bodyIdleMs;
    this.sweep = setInterval(() => this.sweepAll(), Math.min(sweepEveryMs, this.bodyIdleMs / 2));
    this.sweep.unref();
  }

  /** Requests whose answer is not out. */
  get inFlight(): number {
    return this.context.open.size;
  }

  get heldBytes(): number {
    return this.context.heldBytes;
  }

  /** Requests that were sent a second time, since the start. */
  get retries(): number {
    return this.context.retries;
  }

  /** A snapshot is there and nobody asked to leave. */
  get isReady(): boolean {
    return this.loaded && !this.context.isDraining;
  }

  /** Takes a new snapshot. */
  apply(snapshot: RoutingSnapshot): void {
    this.loaded = true;
    this.statistics.retain(snapshot);
    this.routing.apply(snapshot);
    this.evidence.retain(this.routing.subjectIds());
  }

  /** @returns whether the request was this one's; then it is answered here. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    if (!isGatewayUrl(url)) return false;
    const admitted = this.admit(request, url);
    if ('code' in admitted) this.refuse(request, response, admitted);
    else if (admitted.route.name === 'infer') this.infer(request, response, admitted);
    else this.info.answer(request, response, admitted.route, admitted);
    return true;
  }

  /**
   * For a request that waits for `100 Continue`: answers it when its head alone is enough to refuse it.
   * @returns whether it was answered; if not, the caller sends `100 Continue` and goes on as usual.
   */
  refuseByHead(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '';
    if (!isGatewayUrl(url)) return false;
    const admitted = this.admit(request, url);
    const refusal = 'code' in admitted ? admitted : this.refusalOfInfer(request, admitted.route, admitted.projectId);
    if (refusal === undefined) return false;
    this.refuse(request, response, { ...refusal, isBodyHeldBack: true });
    return true;
  }

  /** Not ready any more from now on; what arrives is still served, and every answer closes its connection. */
  startDraining(): void {
    this.context.isDraining = true;
  }

  /** Resolves when every open request has its answer. */
  async drain(pollMs = 10): Promise<void> {
    this.startDraining();
    while (this.context.open.size > 0) await new Promise((resolve) => setTimeout(resolve, pollMs));
  }

  close(): void {
    this.context.isDraining = true;
    clearInterval(this.sweep);
    this.copies.close();
    this.probes?.close();
    void this.reporter.close();
    this.routing.close();
  }

  private infer(request: IncomingMessage, response: ServerResponse, { route, projectId, isInternal }: Admitted): void {
    const deployment = this.routing.find(projectId, route.model);
    if (deployment === undefined) {
      this.refuse(request, response, this.unknownDeployment(route));
      return;
    }
    const facts = readFacts(request.headers, this.ids.next(Date.now()), isInternal);
    if (isRefusal(facts)) {
      this.refuse(request, response, facts);
      return;
    }
    const exchange = new HttpExchange(this.context, request, response, deployment, facts, route.version, performance.now());
    if (this.isOverLimit(request)) exchange.fail(bodyTooLarge(this.options.maxBodyBytes));
  }

  private admit(request: IncomingMessage, url: string): Admitted | Refusal {
    const route = parseRoute(url);
    if (route === 'not_found') return { code: 'ROUTE_NOT_FOUND', message: 'there is no such route' };
    if (route === 'malformed') return { code: 'REQUEST_INVALID', message: 'the path is not valid percent-encoding' };
    const methods: readonly string[] = gatewayRoutes[route.name].methods;
    if (!methods.includes(request.method ?? '')) {
      const allow = methods.join(', ');
      return { code: 'METHOD_NOT_ALLOWED', message: `this route takes ${allow}, not ${request.method}`, headers: ['allow', allow] };
    }
    const admission = this.options.admit(request, route);
    if (!admission.ok) return admission;
    return { route, projectId: admission.projectId, actor: admission.actor, isInternal: admission.isInternal === true };
  }

  private refusalOfInfer(request: IncomingMessage, route: GatewayRoute, projectId: string): Refusal | undefined {
    if (route.name !== 'infer') return undefined;
    if (this.routing.find(projectId, route.model) === undefined) return this.unknownDeployment(route);
    return this.isOverLimit(request) ? bodyTooLarge(this.options.maxBodyBytes) : undefined;
  }

  private isOverLimit(request: IncomingMessage): boolean {
    const length = request.headers['content-length'];
    return length !== undefined && Number(length) > this.options.maxBodyBytes;
  }

  /** The refusal of a name that routing does not know. */
  unknownDeployment(route: GatewayRoute): Refusal {
    if (!this.loaded) return { code: 'DEPLOYMENT_NOT_READY', message: 'the gateway has not read its routing yet' };
    return notServed(route);
  }

  private refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
    if (!this.context.isDraining) answerError(request, response, refusal);
    else answerError(request, response, { ...refusal, headers: [...(refusal.headers ?? []), 'connection', 'close'] });
  }

  private sweepAll(): void {
    const now = performance.now();
    for (const deployment of this.routing.all) deployment.sweep(now);
    this.probes?.sweep(this.routing.all, now);
    this.endIdleBodies(now);
  }

  private endIdleBodies(now: number): void {
    for (const exchange of this.context.open) {
      if (!(exchange instanceof HttpExchange) || !exchange.isReadingBody) continue;
      if (exchange.lastByteAt < now - this.bodyIdleMs)
        exchange.fail({ code: 'BODY_TIMEOUT', message: `no byte of the body came for ${this.bodyIdleMs / 1000} s` });
      else if (exchange.ageMs(now) > this.bodyIdleMs && exchange.bytesPerSecond(now) < slowestBytesPerSecond)
        exchange.fail({ code: 'BODY_TIMEOUT', message: `the body came at less than ${slowestBytesPerSecond} bytes a second` });
    }
  }
}
