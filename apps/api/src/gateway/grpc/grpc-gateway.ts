import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { headers as names } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';
import type { Refusal } from '../answers.js';
import type { Admission, GatewayCore, RequestHead } from '../gateway-core.js';
import type { ServerFacts } from '../protocol-info.js';
import type { GatewayRoute, GatewayRouteName } from '../routes.js';
import type { CallParts, GrpcCall } from './grpc-call.js';
import type { ConnectionLimits, GrpcConnection } from './grpc-connection.js';
import { type GrpcSchema, loadGrpcSchema } from './grpc-schema.js';
import { GrpcServer } from './grpc-server.js';
import { encodeDetails, type GrpcStatus, grpcStatus, grpcStatusOf } from './grpc-status.js';
import { parseGrpcTimeout } from './grpc-timeout.js';
import { HealthServices } from './health-services.js';
import { HealthWatchCall } from './health-watch-call.js';
import { InferCall, type InferCaller } from './infer-call.js';
import { InferDesk } from './infer-desk.js';
import { InferStreamCall } from './infer-stream-call.js';
import { Inflater } from './inflater.js';
import { PlainCall, type PlainMethod } from './plain-call.js';
import { protocolMethods } from './protocol-methods.js';
import { ReflectionCall, ReflectionFiles } from './reflection-call.js';

export interface GrpcGatewayOptions {
  readonly core: GatewayCore;
  readonly server: ServerFacts;
  /** Whether a call may use what it asks for; synchronous, from memory. */
  readonly admit: (head: RequestHead, route: GatewayRoute) => Admission;
  /** Whether a caller names a host that is not served here. */
  readonly isForeignHost: (host: string) => boolean;
  /** Certificate chain and key as PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly log: Logger;
  readonly limits?: Partial<ConnectionLimits>;
}

type Admitted = Extract<Admission, { ok: true }>;

interface Method {
  readonly route: GatewayRoute;
  open(parts: CallParts, caller: Admitted, head: RequestHead): GrpcCall;
}

/** Messages beside predictions are small; the largest is a configuration. */
const plainMessageBytes = 1024 * 1024;
const contentType = /^application\/grpc(\+proto)?\s*(;|$)/i;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The protocol over gRPC: the same gateway, credentials and answers as under /v2, on a port of its own. */
export class GrpcGateway {
  private readonly server: GrpcServer;
  private readonly methods = new Map<string, Method>();
  private readonly health: HealthServices;
  private readonly desk: InferDesk;
  private readonly inflater = new Inflater();

  constructor(private readonly options: GrpcGatewayOptions) {
    const { core, tls, limits } = options;
    const [protocol, health, ...reflection] = schemas();
    this.desk = new InferDesk(core);
    this.health = new HealthServices(health, [protocol.service, health.service], () => core.isReady);
    this.addProtocol(protocol);
    this.addHealth(health);
    this.addReflection([protocol, health, ...reflection], reflection);
    this.server = new GrpcServer({
      open: (stream, headers, connection) => this.open(stream, headers, connection),
      onSweep: () => this.health.refresh(),
      ...(tls === undefined ? {} : { tls }),
      ...(limits === undefined ? {} : { limits }),
    });
  }

  get connectionsOpen(): number {
    return this.server.connectionsOpen;
  }

  get callsOpen(): number {
    return this.server.callsOpen;
  }

  /** Serves until told to drain; resolves with the port. */
  listen(port: number, host: string): Promise<number> {
    return this.server.listen(port, host);
  }

  /** Health says NOT_SERVING from now on; what arrives is still served. */
  startDraining(): void {
    this.health.leave();
  }

  /** See `GrpcServer.drain`. */
  drain(times: { readonly lingerMs: number; readonly graceMs: number }): Promise<number> {
    this.startDraining();
    return this.server.drain(times);
  }

  close(): void {
    this.server.close();
  }

  private addProtocol(schema: GrpcSchema): void {
    const { core, server } = this.options;
    const handlers = protocolMethods(core, server);
    for (const name of schema.methods) {
      const handler = handlers[name];
      if (handler === undefined) continue;
      const { route, handle } = handler;
      this.addPlain(schema, name, route, { request: schema.codec(`${name}Request`), response: schema.codec(`${name}Response`), handle });
    }
    this.add(schema, 'ModelInfer', 'infer', (parts, caller) => new InferCall(parts, this.desk, inferCallerOf(caller)));
    this.add(schema, 'ModelStreamInfer', 'infer', (parts, _caller, head) => new InferStreamCall(parts, this.desk, () => this.admitInfer(head)));
  }

  private addHealth(schema: GrpcSchema): void {
    const { health } = this;
    const { request, response } = health;
    this.addPlain(schema, 'Check', 'live', { request, response, handle: (asked) => health.check(asked) });
    this.add(schema, 'Watch', 'live', (parts) => new HealthWatchCall({ ...parts, maxMessageBytes: plainMessageBytes }, health));
  }

  private addReflection(described: readonly GrpcSchema[], reflection: readonly GrpcSchema[]): void {
    const files = new ReflectionFiles(described);
    for (const schema of reflection) {
      const request = schema.codec('ServerReflectionRequest');
      const response = schema.codec('ServerReflectionResponse');
      const open: Method['open'] = (parts) => new ReflectionCall({ ...parts, maxMessageBytes: plainMessageBytes }, files, request, response);
      this.add(schema, 'ServerReflectionInfo', 'live', open);
    }
  }

  private addPlain(schema: GrpcSchema, name: string, route: GatewayRouteName, method: PlainMethod): void {
    const { log } = this.options;
    this.add(schema, name, route, (parts, { projectId, actor = 'system:gateway' }) => {
      return new PlainCall({ ...parts, maxMessageBytes: plainMessageBytes }, method, { projectId, actor }, log);
    });
  }

  private add({ service }: GrpcSchema, name: string, route: GatewayRouteName, open: Method['open']): void {
    this.methods.set(`/${service}/${name}`, { route: { name: route, model: '', version: undefined }, open });
  }

  private open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: GrpcConnection): GrpcCall | undefined {
    const problem = httpProblemOf(headers);
    if (problem !== undefined) return answerHead(stream, problem);
    const method = this.methods.get(headers[':path'] ?? '');
    if (method === undefined) {
      const path = JSON.stringify(String(headers[':path']).slice(0, 200));
      return refuseHead(stream, { code: 'ROUTE_NOT_FOUND', message: `there is no method ${path}` }, grpcStatus.UNIMPLEMENTED);
    }
    const timeoutMs = timeoutOf(headers);
    const refusal = this.refusalOf(headers, timeoutMs);
    if (refusal !== undefined) return refuseHead(stream, refusal);
    const head: RequestHead = { method: 'POST', headers, socket: connection.peer };
    const admission = this.options.admit(head, method.route);
    if (!admission.ok) return refuseHead(stream, admission);
    const { context } = this.options.core;
    const deadlineAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    const parts = { stream, headers, context, deadlineAt, maxMessageBytes: context.maxBodyBytes, connection, inflater: this.inflater };
    return method.open(parts, admission, head);
  }

  private refusalOf(headers: IncomingHttpHeaders, timeoutMs: number | undefined): Refusal | undefined {
    if (this.options.isForeignHost(headers[':authority'] ?? headers.host ?? ''))
      return { code: 'CROSS_SITE_REQUEST', message: 'this host name is not served here; set SLIPWAY_PUBLIC_URL to the name that people use' };
    if (Number.isNaN(timeoutMs))
      return { code: 'REQUEST_INVALID', message: 'the header grpc-timeout must be up to eight digits and one of H, M, S, m, u, n' };
    const broken = brokenBinaryHeader(headers);
    if (broken === undefined) return undefined;
    return { code: 'REQUEST_INVALID', message: `the header ${JSON.stringify(broken.slice(0, 100))} is binary, and its value is not base64` };
  }

  private admitInfer(head: RequestHead): InferCaller | Refusal {
    const admission = this.options.admit(head, { name: 'infer', model: '', version: undefined });
    return admission.ok ? inferCallerOf(admission) : admission;
  }
}

function schemas(): readonly [GrpcSchema, GrpcSchema, GrpcSchema, GrpcSchema] {
  return [loadGrpcSchema('inference'), loadGrpcSchema('health'), loadGrpcSchema('reflection-v1'), loadGrpcSchema('reflection-v1alpha')];
}

function inferCallerOf({ projectId, isInternal }: Admitted): InferCaller {
  return { projectId, isInternal: isInternal === true };
}

/** What is not gRPC at all is answered as HTTP. */
function httpProblemOf(headers: IncomingHttpHeaders): OutgoingHttpHeaders | undefined {
  if (headers[':method'] !== 'POST') return { ':status': 405, allow: 'POST' };
  return contentType.test(headers['content-type'] ?? '') ? undefined : { ':status': 415, 'accept-post': 'application/grpc' };
}

/** NaN when it is malformed. */
function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['grpc-timeout'];
  return text === undefined ? undefined : (parseGrpcTimeout(String(text)) ?? Number.NaN);
}

function brokenBinaryHeader(headers: IncomingHttpHeaders): string | undefined {
  for (const name in headers) {
    if (
      name.endsWith('-bin') &&
      !String(headers[name])
        .split(',')
        .every((part) => isBase64(part.trim()))
    )
      return name;
  }
  return undefined;
}

function isBase64(text: string): boolean {
  return base64.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
}

/** Answers a call by its head alone. */
function refuseHead(stream: ServerHttp2Stream, { code, message }: Refusal, status: GrpcStatus = grpcStatusOf(code)): undefined {
  return answerHead(stream, {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(status),
    'grpc-message': encodeDetails(message),
    [names.error]: code,
  });
}

function answerHead(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): undefined {
  stream.on('error', () => undefined);
  // The caller may be gone by the time that its head is read.
  if (stream.destroyed || stream.closed) return;
  stream.respond(headers, { endStream: true });
  stream.close(constants.NGHTTP2_NO_ERROR);
}
