import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Drain } from './drain.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function serve(handle: Parameters<typeof createServer>[1]): Promise<{ server: Server; drain: Drain; port: number }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle);
  servers.push(server);
  const drain = new Drain(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, drain, port: (server.address() as AddressInfo).port };
}

function get(port: number, agent: Agent): Promise<{ status: number; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', agent }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }));
    })
      .on('error', reject)
      .end();
  });
}

describe('Drain', () => {
  it('answers what arrives on an idle connection after the drain began, and says that it closes', async () => {
    const { drain, port } = await serve((_, response) => response.end('ok'));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await get(port, agent)).connection).toBe('keep-alive');
    const drained = drain.drain({ lingerMs: 2_000, graceMs: 4_000 });
    expect(drain.draining).toBe(true);
    expect(await get(port, agent)).toEqual({ status: 200, connection: 'close' });
    expect(await drained).toBe(0);
    await expect(get(port, new Agent())).rejects.toThrow(/ECONNREFUSED/);
  });

  it('waits for a request in flight', async () => {
    let release = () => {};
    const { drain, port } = await serve((_, response) => {
      release = () => response.end('late');
    });
    const answer = get(port, new Agent({ keepAlive: true }));
    await expect.poll(() => release.toString().includes('late')).toBe(true);
    let over = false;
    const drained = drain.drain({ lingerMs: 0, graceMs: 10_000 }).then((cut) => {
      over = true;
      return cut;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    release();
    expect((await answer).status).toBe(200);
    expect(await drained).toBe(0);
  });

  it('cuts what does not end within the grace time, and counts it', async () => {
    const { drain, port } = await serve(() => undefined);
    const answer = get(port, new Agent()).catch((error: Error) => error.message);
    const connected = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (drain.requestsInFlight === 0) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    await connected;
    expect(await drain.drain({ lingerMs: 0, graceMs: 50 })).toBe(1);
    expect(await answer).toMatch(/hang up|ECONNRESET/);
  });
});
