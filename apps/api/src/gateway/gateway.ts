import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { type Scope, SlipwayError } from '@slipway/contracts';
import { QuotaStore, RollbackStore, RolloutStore, routingChanges, SnapshotStore } from '@slipway/deployments';
import {
  ActiveReferenceStore,
  Counter,
  EvidenceRecorder,
  exposeNoise,
  FailureSampler,
  FailureStore,
  type KeptFailure,
  NoiseRecorder,
  type NoiseWindow,
  NoiseWindowStore,
  type RecordedStage,
  type Registry,
  RequestSampleStore,
  RolloutEvidenceStore,
  SeriesBudget,
  ServingRecorder,
  ServingWindowStore,
  WindowFlush,
} from '@slipway/metrics';
import { channels } from '@slipway/platform';
import { CredentialTable, type Resolved } from '../access/credential-table.js';
import { allows } from '../access/policy.js';
import { refuseCrossSite } from '../access/refuse-cross-site.js';
import { foreignHostNames } from '../http/refuse-foreign-host.js';
import { Platform, REGISTRY } from '../platform.js';
import { BreakGlass } from './break-glass/break-glass.js';
import { exposeDeployments } from './deployment-instruments.js';
import { DeploymentRepository } from './deployment-repository.js';
import { type Admission, GatewayCore, type RequestHead } from './gateway-core.js';
import { exposeGateway } from './gateway-instruments.js';
import { GrpcGateway } from './grpc/grpc-gateway.js';
import { refusalOfKeylessChange } from './keyless-change.js';
import { InputSpreadsFeed } from './probes/input-spreads-feed.js';
import type { ServerFacts } from './protocol-info.js';
import { QuotaFeed } from './quota-feed.js';
import { QuotaGates } from './quota-gates.js';
import { openSampleThread, RequestSampler } from './request-samples/request-sampler.js';
import { type GatewayRoute, gatewayRoutes } from './routes.js';
import { SavedSnapshot } from './saved-snapshot.js';
import { SnapshotFeed } from './snapshot-feed.js';

/** The project of callers without a key, where keys are switched off for predictions. */
const defaultProjectId = 'prj_default';
const serverVersion = '0.1.0';
/** Guards are judged by what is written, so it is written often; nothing is while nothing changes. */
const evidenceEveryMs = 400;
const noiseEveryMs = 5_000;

/** The prediction gateway as a part of the API process: everything under /v2. */
@Injectable()
export class Gateway {
  private readonly core: GatewayCore;
  private readonly server: ServerFacts;
  private readonly feed: SnapshotFeed;
  private readonly breakGlass: BreakGlass;
  private readonly flush: WindowFlush<Parameters<ServingWindowStore['write']>[0][number]>;
  private readonly evidenceFlush: WindowFlush<RecordedStage>;
  private readonly noiseFlush: WindowFlush<NoiseWindow>;
  private readonly spreads: InputSpreadsFeed;
  private readonly failureFlush: WindowFlush<KeptFailure>;
  private readonly samples: RequestSampler;
  private readonly quotaFeed: QuotaFeed;
  private readonly stops: (() => void)[] = [];
  /** The quotas on predictions as they are kept here. */
  readonly quotas = new QuotaGates();

  constructor(
    private readonly platform: Platform,
    private readonly credentials: CredentialTable,
    @Inject(REGISTRY) registry: Registry,
  ) {
    const { settings, db, home, log } = platform;
    const recorder = new ServingRecorder({ registry });
    const source = `gateway-${randomUUID()}`;
    const windows = new ServingWindowStore(db.pool, source);
    const evidence = new EvidenceRecorder();
    const evidenceStore = new RolloutEvidenceStore(db.pool, source);
    this.evidenceFlush = new WindowFlush(evidence, (dirty) => evidenceStore.write(dirty), log, evidenceEveryMs);
    const noise = new NoiseRecorder();
    const noiseStore = new NoiseWindowStore(db.pool, source);
    this.noiseFlush = new WindowFlush(noise, (dirty) => noiseStore.write(dirty), log, noiseEveryMs);
    exposeNoise(registry, noise, SeriesBudget.of(registry));
    const references = new ActiveReferenceStore(db.prisma);
    this.spreads = new InputSpreadsFeed({
      versionIds: () => this.servedVersionIds(),
      activeDigests: (ids) => references.activeDigests(ids),
      activeReference: (id) => references.activeReference(id),
      log,
    });
    const rollouts = new RolloutStore(db.prisma);
    const failures = new FailureSampler();
    const failureStore = new FailureStore(db.pool);
    this.failureFlush = new WindowFlush(failures, (kept) => failureStore.writeSamples(kept), log);
    this.flush = new WindowFlush(recorder, (dirty) => windows.write(dirty), log);
    this.server = {
      serverName: settings.SLIPWAY_SERVER_NAME,
      serverVersion,
      repository: new DeploymentRepository({ db: db.prisma, routing: () => this.core.routing, log }),
    };
    this.samples = createSampler(platform, registry);
    this.core = new GatewayCore({
      ...this.server,
      maxBodyBytes: settings.SLIPWAY_MAX_BODY_BYTES,
      defaultDeadlineMs: settings.SLIPWAY_DEFAULT_DEADLINE_MS,
      sink: recorder,
      evidence,
      noise: { recorder: noise, spreadsOf: (versionId) => this.spreads.of(versionId) },
      reportEjection: async (rolloutId, ejection) => {
        const known = await rollouts.reportEjection(rolloutId, ejection);
        log.warn({ rollout: rolloutId, cause: ejection.cause, detail: ejection.detail, known }, 'candidate taken back by the gateway');
      },
      samples: this.samples,
      failures,
      quotas: this.quotas,
      admit: (request, route) => this.admit(request, route),
    });
    const rollbacks = new RollbackStore(db.prisma);
    this.breakGlass = new BreakGlass({
      home,
      log,
      rollBack: ({ projectId, deployment, revision, reason }) =>
        rollbacks.rollBack({ projectId, actor: 'system:break-glass' }, deployment, { revision, ...(reason === undefined ? {} : { reason }) }),
      onChange: () => this.feed.reapply(),
      refresh: () => this.feed.refresh(),
    });
    this.feed = new SnapshotFeed({
      breakGlass: this.breakGlass,
      store: new SnapshotStore(db.pool),
      saved: new SavedSnapshot(home),
      log,
      apply: (snapshot) => this.core.apply(snapshot),
    });
    const quotas = new QuotaStore(db.prisma);
    this.quotaFeed = new QuotaFeed({ list: () => quotas.list(), apply: (all) => this.quotas.apply(all), log });
    exposeGateway(registry, this.core, this.feed);
    exposeDeployments(registry, this.core, () => routingChanges(db.prisma));
  }

  /** A snapshot is there and the process is not leaving. */
  get isReady(): boolean {
    return this.core.isReady;
  }

  /** Reads the first snapshot and follows the changes. Resolves also when there is none yet: then it answers 503 until there is. */
  async start(): Promise<void> {
    const { nudges } = this.platform;
    for (const channel of [channels.routing, channels.instances]) this.stops.push(nudges.on(channel, () => void this.feed.refresh()));
    this.stops.push(nudges.on(channels.quotas, () => void this.quotaFeed.refresh()));
    this.quotaFeed.start();
    await this.feed.start();
    void this.spreads.refresh();
  }

  /**
   * The same over gRPC, for a port of its own; does not listen yet.
   * @throws when the files of its certificate cannot be read or do not fit together.
   */
  openGrpc(): GrpcGateway {
    const { settings, log, publicUrl } = this.platform;
    const { SLIPWAY_GRPC_TLS_CERT_FILE: cert, SLIPWAY_GRPC_TLS_KEY_FILE: key } = settings;
    return new GrpcGateway({
      core: this.core,
      server: this.server,
      admit: (head, route) => this.admit(head, route),
      isForeignHost: foreignHostNames(settings, publicUrl),
      ...(cert === undefined || key === undefined ? {} : { tls: { cert: readFileSync(cert), key: readFileSync(key) } }),
      log,
    });
  }

  /** @returns true when the request belongs to the gateway; it is then answered there. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    return this.core.handle(request, response);
  }

  /**
   * For the server's `checkContinue` event: answers requests that can be refused by their head, before their body is sent.
   * @returns false when the caller should send `100 Continue` and go on as with any request.
   */
  refuseByHead(request: IncomingMessage, response: ServerResponse): boolean {
    return this.core.refuseByHead(request, response);
  }

  /** From now on not ready, every answer closes its connection; what arrives is still served. */
  startDraining(): void {
    this.core.startDraining();
  }

  /** Call after the HTTP server has drained: waits for the last answers, writes the last windows, closes the connections to instances. */
  async drain(): Promise<void> {
    for (const stop of this.stops) stop();
    await Promise.all([this.feed.stop(), this.quotaFeed.stop(), this.breakGlass.stop()]);
    await this.core.drain();
    this.core.close();
    this.quotas.close();
    await this.spreads.close();
    await Promise.all([this.flush.close(), this.evidenceFlush.close(), this.noiseFlush.close(), this.failureFlush.close(), this.samples.close()]);
  }

  private servedVersionIds(): string[] {
    return [...this.core.routing.all].flatMap(({ current }) => current.revisions.map(({ versionId }) => versionId));
  }

  private admit(request: RequestHead, route: GatewayRoute): Admission {
    const { anyScopeOf } = gatewayRoutes[route.name];
    if (anyScopeOf === 'public') return { ok: true, projectId: defaultProjectId };
    const { authorization, cookie } = request.headers;
    const resolved = this.credentials.resolve(authorization, cookie);
    if (!resolved.ok) return this.platform.settings.SLIPWAY_PREDICT_AUTH === 'off' ? admitWithoutKey(request, anyScopeOf, resolved) : resolved;
    if (!anyScopeOf.some((scope) => allows(resolved.scopes, scope))) {
      return { ok: false, code: 'SCOPE_MISSING', message: `this needs the scope "${anyScopeOf.join('" or "')}"` };
    }
    if (resolved.viaCookie) return admitBrowser(request, resolved);
    return { ok: true, projectId: resolved.projectId, actor: resolved.actor, isInternal: resolved.isInternal };
  }
}

function createSampler({ db, masterKey, log }: Platform, registry: Registry): RequestSampler {
  const help = 'Live requests that were chosen to be kept for replays, by what became of them.';
  const counter = new Counter({ name: 'slipway_request_samples_total', help, labelNames: ['result'], registers: [registry] });
  return new RequestSampler({
    store: new RequestSampleStore(db.pool),
    openSealer: openSampleThread(masterKey),
    count: (result) => counter.inc({ result }),
    log,
  });
}

/** Where keys are switched off for clients that cannot send one: predictions for everybody, changes for callers on this machine. */
function admitWithoutKey(request: RequestHead, anyScopeOf: readonly Scope[], resolved: Extract<Resolved, { ok: false }>): Admission {
  if (anyScopeOf.includes('predict')) return { ok: true, projectId: defaultProjectId };
  if (resolved.code !== 'CREDENTIAL_MISSING') return resolved;
  const refusal = refusalOfKeylessChange(request);
  return refusal === undefined ? { ok: true, projectId: defaultProjectId, actor: 'system:keyless' } : { ok: false, ...refusal };
}

/** A session's cookie travels with requests of other sites too; those are turned away. */
function admitBrowser(request: RequestHead, { projectId, actor }: { readonly projectId: string; readonly actor: string }): Admission {
  try {
    refuseCrossSite(request.method ?? '', request.headers);
    return { ok: true, projectId, actor };
  } catch (error) {
    if (error instanceof SlipwayError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}
