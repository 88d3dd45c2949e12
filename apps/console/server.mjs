import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import next from 'next';
import { Counter, collectDefaultMetrics, Registry } from 'prom-client';

/**
 * The console's server: hands out pages and static files, nothing else. It holds no secret, no database connection and no authority;
 * every fact on a page is fetched by the browser from the API on the same origin.
 */
const host = '127.0.0.1';
const port = Number(process.env.SLIPWAY_CONSOLE_PORT ?? '3000');
/** Connections get this long to finish after a stop was asked for. */
const drainMs = 3_000;

process.env.NEXT_TELEMETRY_DISABLED = '1';
if (process.env.NODE_ENV === undefined) process.env.NODE_ENV = 'production';

const registry = new Registry();
collectDefaultMetrics({ register: registry, prefix: 'slipway_console_' });
// Gauges that prom-client names like counters; the same numbers are in the series by type.
for (const name of ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']) {
  registry.removeSingleMetric(`slipway_console_${name}`);
}
const requests = new Counter({
  name: 'slipway_console_http_requests_total',
  help: 'Requests answered by the console server.',
  labelNames: ['kind', 'status_class'],
  registers: [registry],
});

const app = next({ dev: false, dir: fileURLToPath(new URL('.', import.meta.url)), hostname: host, port, quiet: true });
const handle = app.getRequestHandler();
let state = 'starting';

const server = createServer((request, response) => {
  const path = (request.url ?? '/').split('?', 1)[0];
  if (path === '/health/live') return answer(response, 200, { status: 'live' });
  if (path === '/health/ready') return answer(response, state === 'ready' ? 200 : 503, { status: state });
  if (path === '/metrics') return void answerMetrics(response);
  if (state !== 'ready') return answer(response, 503, { status: state });
  const kind = path.startsWith('/_next/') ? 'asset' : 'page';
  response.on('finish', () => requests.inc({ kind, status_class: `${Math.floor(response.statusCode / 100)}xx` }));
  secure(request, response, kind);
  handle(request, response).catch(() => {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});

// The one caller is the API's proxy on this machine. Were an idle connection closed here, it could be at the moment of the next request.
server.keepAliveTimeout = 0;

/** Next takes the nonce for its own inline scripts from this request header; a caller must not be able to choose it. */
function secure(request, response, kind) {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  delete request.headers['content-security-policy'];
  delete request.headers['content-security-policy-report-only'];
  if (kind === 'asset') return;
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'`,
    // Charts place their parts with style attributes.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
  request.headers['content-security-policy'] = policy;
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('Cache-Control', 'private, no-store');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Permissions-Policy', 'camera=(), microphone=(), geolocation=()');
}

function answer(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function answerMetrics(response) {
  const text = await registry.metrics();
  response.writeHead(200, { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' });
  response.end(text);
}

function stop() {
  if (state === 'stopping') return;
  state = 'stopping';
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), drainMs).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// The supervisor is gone: an orphan would keep the port.
process.on('disconnect', stop);
// It also asks whether this process still gets to do anything.
process.on('message', (message) => {
  if (message?.kind === 'ping' && process.connected) process.send({ kind: 'pong' }, undefined, undefined, () => undefined);
});

server.on('error', (error) => {
  process.stderr.write(`The console cannot listen on ${host}:${port}: ${error.message}\n`);
  process.exit(1);
});
server.listen(port, host, async () => {
  try {
    await app.prepare();
  } catch (error) {
    process.stderr.write(`The console could not start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  state = 'ready';
  const address = server.address();
  process.send?.({ kind: 'ready', port: typeof address === 'object' && address !== null ? address.port : port });
});
