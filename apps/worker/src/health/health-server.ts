import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { Drain } from '@slipway/platform';
import type { Registry } from 'prom-client';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';

export const REGISTRY = Symbol('prom-client registry');

const checkLimitMs = 2_000;

/** The worker's own small server: health checks and metrics, nothing else. */
@Injectable()
export class HealthServer {
  private readonly server: Server;
  private readonly drain: Drain;
  private ready = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
    @Inject(REGISTRY) private readonly registry: Registry,
  ) {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        platform.log.warn({ err: error }, 'health request failed');
        if (!response.headersSent) json(response, 500, { error: 'internal error' });
      });
    });
    this.drain = new Drain(this.server);
  }

  async start(): Promise<number> {
    const { SLIPWAY_WORKER_PORT, SLIPWAY_LISTEN } = this.platform.settings;
    const port = await new Promise<number>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(SLIPWAY_WORKER_PORT, SLIPWAY_LISTEN, () => {
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : SLIPWAY_WORKER_PORT);
      });
    });
    this.platform.shutdown.add('health server', () => this.drain.drain({ lingerMs: 0, graceMs: 500 }));
    return port;
  }

  /** Called when every part of the worker has started. */
  markReady(): void {
    this.ready = true;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET') json(response, 405, { error: 'only GET is answered here' }, { allow: 'GET' });
    else if (path === '/health/live') json(response, 200, { live: true });
    else if (path === '/health/ready') await this.answerReady(response);
    else if (path === '/metrics') response.writeHead(200, { 'content-type': this.registry.contentType }).end(await this.registry.metrics());
    else json(response, 404, { error: 'known here: /health/live, /health/ready, /metrics' });
  }

  private async answerReady(response: ServerResponse): Promise<void> {
    const problems: string[] = [];
    if (this.drain.draining) problems.push('this process is leaving');
    if (!this.ready) problems.push('still starting');
    await Promise.all([
      inTime(this.platform.db.pool.query('select 1')).catch(() => problems.push('the registry database does not answer')),
      inTime(this.jobs.counts()).catch(() => problems.push('the job queue does not answer')),
    ]);
    json(response, problems.length === 0 ? 200 : 503, problems.length === 0 ? { ready: true } : { ready: false, problems });
  }
}

/** A check that hangs is a check that failed: a queue that is away keeps its callers waiting instead of refusing them. */
async function inTime(check: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), checkLimitMs);
  });
  try {
    await Promise.race([check, late]);
  } finally {
    clearTimeout(timer);
  }
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
