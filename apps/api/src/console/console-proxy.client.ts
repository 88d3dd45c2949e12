import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from '@slipway/platform';

/** Headers that belong to one connection and are never passed on. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** The console shows nothing of its own that needs a credential, so it gets none. */
const withheld = new Set(['authorization', 'cookie', 'next-action', 'x-middleware-subrequest', 'x-matched-path', 'x-nextjs-data']);
const waitMs = 30_000;

/** Streams pages from the console's own server, so that browser and API share one origin. */
export class ConsoleProxy {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });

  constructor(
    private readonly port: number,
    private readonly log: Logger,
  ) {}

  /** Passes a page request on. Only GET and HEAD: the console takes no other. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain; charset=utf-8' }).end('The console takes GET and HEAD only.');
      return;
    }
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.has(name) && !withheld.has(name)));
    const upstream = httpRequest(
      { agent: this.agent, host: '127.0.0.1', port: this.port, method: request.method, path: request.url ?? '/', headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name))));
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    upstream.setTimeout(waitMs, () => upstream.destroy(new Error('the console did not answer in time')));
    upstream.on('error', (error) => {
      this.log.warn({ err: error }, 'console away');
      if (response.headersSent) response.destroy();
      else response.writeHead(503, { 'content-type': 'text/html; charset=utf-8', 'retry-after': '2', 'cache-control': 'no-store' }).end(awayPage);
    });
    response.on('close', () => upstream.destroy());
    upstream.end();
  }

  close(): void {
    this.agent.destroy();
  }
}

const awayPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Slipway</title>
<body style="font-family:system-ui;margin:4rem auto;max-width:32rem"><h1>The console is starting</h1><p>Predictions and the API work meanwhile. This page tries again by itself.</p>`;
