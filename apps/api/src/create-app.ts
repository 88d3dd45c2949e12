import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import multipart from '@fastify/multipart';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { limits } from '@slipway/contracts';
import { Drain, type Logger, newId } from '@slipway/platform';
import { AppModule } from './app.module.js';
import { ConsoleProxy } from './console/console-proxy.client.js';
import { EventHub } from './events/event-hub.js';
import { Gateway } from './gateway/gateway.js';
import { Readiness } from './health/readiness.js';
import { acceptEmptyJson } from './http/accept-empty-json.js';
import { limitBodyTime } from './http/limit-body-time.js';
import { serveOpenApi } from './http/openapi.js';
import { answerFrameworkError, ProblemFilter } from './http/problem.filter.js';
import { refuseForeignHost } from './http/refuse-foreign-host.js';
import { refuseMalformedHead } from './http/refuse-malformed-head.js';
import { refuseNul } from './http/refuse-nul.js';
import { refuseRoutesWithoutPolicy } from './http/refuse-routes-without-policy.js';
import { createValidationPipe } from './http/validation.pipe.js';
import type { Platform } from './platform.js';

/** Longer than the 60 s after which common clients give up an idle connection, so that they never send into a closing one. */
const keepAliveTimeoutMs = 75_000;
/** Under the one-machine supervisor everything leaves together, and a person waits for it. */
const supervisedDrain = { lingerMs: 500, graceMs: 2_500 };
const ownDrain = { lingerMs: 3_000, graceMs: 25_000 };
const controlPaths = /^\/(v1|health|metrics|docs)(\/|\?|$|-)/;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Api {
  readonly app: NestFastifyApplication;
  readonly server: Server;
  /** Serves until told to close; resolves with the port. */
  listen(port: number, host: string): Promise<number>;
  /** The same for predictions over gRPC, on a port of its own. */
  listenGrpc(port: number, host: string): Promise<number>;
  close(): Promise<void>;
}

/**
 * Builds the whole API on one HTTP server. Who answers is decided before any framework: predictions go to the gateway, pages are
 * streamed from the console's server, the rest is Nest's.
 */
export async function createApi(platform: Platform): Promise<Api> {
  const { settings, log } = platform;
  const consolePages = new ConsoleProxy(settings.SLIPWAY_CONSOLE_PORT, log);
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs, headersTimeout: 30_000, requestTimeout: 0, maxHeaderSize: 16_384 });
  const drain = new Drain(server);
  let nest: Handler = refuseAll;
  const adapter = new FastifyAdapter({
    genReqId: () => newId('req'),
    bodyLimit: limits.controlBodyBytes,
    trustProxy: false,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: answerFrameworkError,
    serverFactory: (handler: Handler) => {
      nest = handler;
      return server;
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(platform), adapter, {
    logger: nestLogger(log),
    abortOnError: false,
    bodyParser: false,
  });
  // JSON alone is parsed; an upload's bytes are streamed by its own route. What is not understood is 415, never guessed at.
  app.getHttpAdapter().getInstance().removeContentTypeParser('text/plain');
  acceptEmptyJson(app);
  refuseNul(app);
  await app.register(multipart, {
    limits: { fields: 16, fieldSize: limits.controlBodyBytes, files: 1, parts: 20, headerPairs: 50, fieldNameSize: 100 },
  });
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new ProblemFilter(log));
  serveOpenApi(app);
  await app.init();
  refuseRoutesWithoutPolicy(app);
  await app.getHttpAdapter().getInstance().ready();
  const gateway = app.get(Gateway);
  await gateway.start();
  const grpc = gateway.openGrpc();
  const isForeign = refuseForeignHost(settings, platform.publicUrl);
  const isRefused: (request: IncomingMessage, response: ServerResponse) => boolean = (request, response) =>
    refuseMalformedHead(request, response) || isForeign(request, response);
  server.on('request', (request, response) => {
    if (isRefused(request, response) || gateway.handle(request, response)) return;
    limitBodyTime(request, response);
    if (controlPaths.test(request.url ?? '/')) nest(request, response);
    else consolePages.handle(request, response);
  });
  server.on('checkContinue', (request, response) => {
    if (isRefused(request, response) || gateway.refuseByHead(request, response)) return;
    response.writeContinue();
    server.emit('request', request, response);
  });
  return {
    app,
    server,
    listen: (port, host) => listen(server, port, host),
    listenGrpc: (port, host) => grpc.listen(port, host),
    close: async () => {
      app.get(Readiness).startDraining();
      gateway.startDraining();
      app.get(EventHub).close();
      const times = process.send === undefined ? ownDrain : supervisedDrain;
      const cut = await Promise.all([drain.drain(times), grpc.drain(times)]);
      if (cut[0] + cut[1] > 0) log.warn({ cut: cut[0], grpcCut: cut[1] }, 'connections cut at the end of the drain');
      await gateway.drain();
      consolePages.close();
      await app.close();
    },
  };
}

/** Stands in until Nest has given its handler; nothing listens before that. */
function refuseAll(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503).end();
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Nest's own lines as events of our log; its start-up chatter is for developers. */
function nestLogger(log: Logger): LoggerService {
  const line = (level: 'debug' | 'warn' | 'error') => (message: unknown) => log[level]({ nest: message }, 'nest');
  return { log: line('debug'), debug: line('debug'), verbose: line('debug'), warn: line('warn'), error: line('error'), fatal: line('error') };
}
