import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Egress, type EgressOptions } from './egress.client.js';
import { parseEgressAllow } from './egress-allow.js';

const open: Server[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens on a port has an AddressInfo.
  return (server.address() as AddressInfo).port;
}
const receiver = (handle: RequestListener) => listen(createServer(handle));
const egress = (options: Partial<EgressOptions> = {}) => new Egress({ allow: parseEgressAllow(['127.0.0.1']), ownHosts: [], ...options });
const message = { headers: { 'content-type': 'application/json', 'webhook-id': 'x' }, body: '{"grüße":1}' };

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}

it('posts the bytes and says what came back', async () => {
  const seen: Record<string, unknown> = {};
  const port = await receiver((request, response) => {
    void bodyOf(request).then((body) => {
      Object.assign(seen, { body, path: request.url, host: request.headers.host, id: request.headers['webhook-id'] });
      response.writeHead(202, { 'retry-after': '7' }).end('thanks');
    });
  });
  const reply = await egress().post(`http://127.0.0.1:${port}/hook?a=1`, message);
  expect(reply).toMatchObject({ status: 202, headers: { 'retry-after': '7' } });
  expect(seen).toEqual({ body: message.body, path: '/hook?a=1', host: `127.0.0.1:${port}`, id: 'x' });
});

it.each([301, 302, 303, 307, 308])('does not follow a redirect (%i)', async (status) => {
  let requests = 0;
  const port = await receiver((_, response) => {
    requests += 1;
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  expect(await egress().post(`http://127.0.0.1:${port}/`, message)).toMatchObject({ status });
  expect(requests).toBe(1);
});

it('connects to the address that was checked, although the name changes meanwhile', async () => {
  const port = await receiver((_, response) => response.end());
  const answers = [['127.0.0.1'], ['169.254.169.254']];
  let asked = 0;
  const rebinding = egress({
    resolve: async () => {
      const answer = answers[Math.min(asked, 1)] ?? [];
      asked += 1;
      return answer;
    },
  });
  const url = `http://rebind.example.com:${port}/`;
  expect(await rebinding.post(url, message)).toMatchObject({ status: 200 });
  expect(asked).toBe(1);
  await expect(rebinding.post(url, message)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
});

it('sends nothing to an address that is not allowed', async () => {
  let connections = 0;
  const server = createServer();
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listen(server);
  const strict = egress({ allow: [], resolve: async () => ['127.0.0.1'] });
  for (const url of [`http://127.0.0.1:${port}/`, `https://127.0.0.1:${port}/`, `https://localhost:${port}/`, 'https://hooks.example.com/'])
    await expect(strict.post(url, message)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
  expect(connections).toBe(0);
});

it('stops reading an endless answer', async () => {
  let sent = 0;
  const port = await receiver((_, response) => {
    response.writeHead(200);
    const piece = Buffer.alloc(16 * 1024, 'x');
    const write = () => {
      while (!response.destroyed && sent < 1e9) {
        sent += piece.length;
        if (!response.write(piece)) {
          response.once('drain', write);
          return;
        }
      }
    };
    write();
  });
  expect(await egress().post(`http://127.0.0.1:${port}/`, message)).toMatchObject({ status: 200 });
  expect(sent).toBeLessThan(50 * 1024 * 1024);
});

it('gives up on a receiver that says nothing, or talks drop by drop', async () => {
  const silent = await listen(createTcpServer((socket) => socket.on('error', () => undefined)));
  const slow = await receiver((_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(timer));
  });
  for (const port of [silent, slow]) {
    const posted = egress({ timeoutMs: 150 }).post(`http://127.0.0.1:${port}/`, message);
    await expect(posted).rejects.toMatchObject({ code: 'DELIVERY_FAILED', message: expect.stringContaining('no answer within 0.15 s') });
  }
  for (const server of open) if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections();
  for (const server of open) server.unref();
  open.length = 0;
});

it('says in words why a receiver could not be reached', async () => {
  const port = await receiver((_, response) => response.end());
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await expect(egress().post(`http://127.0.0.1:${port}/`, message)).rejects.toMatchObject({
    code: 'DELIVERY_FAILED',
    message: expect.stringContaining('the connection was refused'),
  });
});

it.runIf(spawnSync('openssl', ['version']).status === 0)('refuses a certificate that nobody vouches for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
  spawnSync('openssl', [...args, '-keyout', key, '-out', certificate]);
  let requests = 0;
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_, response) => {
    requests += 1;
    response.end();
  });
  rmSync(folder, { recursive: true });
  const port = await listen(server);
  await expect(egress().post(`https://127.0.0.1:${port}/`, message)).rejects.toMatchObject({
    code: 'DELIVERY_FAILED',
    message: expect.stringContaining('certificate'),
  });
  expect(requests).toBe(0);
});

it('gives the answer’s body to whoever asks for it, up to its bound', async () => {
  const port = await receiver((request, response) => {
    response.end(request.url === '/long' ? 'x'.repeat(100_000) : '{"decision":"größer"}');
  });
  const url = `http://127.0.0.1:${port}`;
  expect(await egress().post(`${url}/`, message)).not.toHaveProperty('body');
  expect((await egress().post(`${url}/`, { ...message, wantsBody: true })).body).toBe('{"decision":"größer"}');
  expect((await egress().post(`${url}/long`, { ...message, wantsBody: true })).body?.length).toBeLessThanOrEqual(65_536);
});
