import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../testing/index.js';
import { frameTypes } from './frames.js';
import { type InferCall, type InferReply, InstanceClient } from './instance.client.js';
import { type IncomingRequest, InstanceServer } from './instance-server.js';
import { encodeFrameHead } from './testing/encode-frame-head.js';

const call: InferCall = {
  predictionId: 'prd_1',
  deadlineMs: 1234.5,
  priority: 3,
  kind: 'batch',
  modelName: 'm',
  contentType: 'text/plain',
  body: Buffer.from('hi'),
};

let folder = '';
let server: InstanceServer;
let arrived: IncomingRequest[] = [];
let cancelled: number[] = [];
let clients: InstanceClient[] = [];

async function serve(): Promise<void> {
  server = new InstanceServer({ ...serverOptions(), maxFrameBytes: 1_000_000 });
  await server.listen();
}

function connect(role: 'gateway' | 'worker' = 'gateway', reconnect = true): InstanceClient {
  const client = new InstanceClient({ address: `unix:${join(folder, 's')}`, role, reconnect });
  clients.push(client);
  return client;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-server-'));
  arrived = [];
  cancelled = [];
  clients = [];
  await serve();
});
afterEach(async () => {
  for (const client of clients) client.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('client and server of an instance', () => {
  it('greet, and push each change of state to all', async () => {
    const [one, two] = [connect(), connect()];
    await waitUntil(() => one.state === 'LOADING' && two.state === 'LOADING', 'both are greeted');
    expect(one.hello).toEqual({ protocol: 1, instanceId: 'ins_1', pid: 7, revisionId: 'rev_1', state: 'LOADING' });
    server.become('READY');
    await waitUntil(() => one.state === 'READY' && two.state === 'READY', 'both are ready');
    one.drain();
    await waitUntil(() => two.state === 'DRAINING', 'the drain is known to the other');
  });

  it('carry a request unchanged and pair each answer with its own, in any order', async () => {
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const replies: InferReply[] = [];
    const streams = ['a', 'b'].map((body) => client.infer({ ...call, body: Buffer.from(body) }, (reply) => replies.push(reply)));
    await waitUntil(() => arrived.length === 2, 'both arrived');
    expect(arrived[0]?.header).toEqual({
      predictionId: 'prd_1',
      deadlineMs: 1234,
      priority: 3,
      kind: 3,
      modelName: 'm',
      contentType: 'text/plain',
      contentKind: 0,
    });
    expect(client.outstanding).toBe(2);
    for (const request of [...arrived].reverse()) {
      request.connection.send(
        frameTypes.RESULT,
        request.stream,
        { contentType: 'application/json', rows: 2, queueMicros: 5, computeMicros: 6 },
        request.body,
      );
    }
    await waitUntil(() => replies.length === 2, 'both are answered');
    expect(replies.map((reply) => reply.kind === 'result' && reply.body.toString())).toEqual(['b', 'a']);
    expect(replies[0]).toMatchObject({ rows: 2, queueMicros: 5, computeMicros: 6, invalidOutput: false });
    expect(new Set(streams).size).toBe(2);
    expect(client.outstanding).toBe(0);
  });

  it('carry an error with its code, and an unknown code as our fault', async () => {
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const replies: InferReply[] = [];
    client.infer(call, (reply) => replies.push(reply));
    client.infer(call, (reply) => replies.push(reply));
    await waitUntil(() => arrived.length === 2, 'both arrived');
    arrived.forEach(({ connection, stream }, index) => {
      connection.send(frameTypes.ERROR, stream, { errorCode: index === 0 ? 'INFER_INVALID' : 'FROM_THE_FUTURE' }, Buffer.from('né'));
    });
    await waitUntil(() => replies.length === 2, 'both are answered');
    expect(replies).toEqual([
      { kind: 'error', code: 'INFER_INVALID', message: 'né' },
      { kind: 'error', code: 'INTERNAL', message: 'né' },
    ]);
  });

  it('forget a cancelled request on both sides', async () => {
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const replies: InferReply[] = [];
    const stream = client.infer(call, (reply) => replies.push(reply));
    client.cancel(stream);
    await waitUntil(() => cancelled.length === 1, 'the cancel arrived');
    expect({ cancelled, outstanding: client.outstanding }).toEqual({ cancelled: [stream], outstanding: 0 });
    for (const request of arrived) request.connection.send(frameTypes.RESULT, request.stream, {}, Buffer.from('late'));
    await client.ping(1000);
    expect(replies).toEqual([]);
  });

  it('end what is outstanding as gone when the connection is lost, and find back', async () => {
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const replies: InferReply[] = [];
    client.infer(call, (reply) => replies.push(reply));
    await waitUntil(() => arrived.length === 1, 'it arrived');
    await server.close();
    await waitUntil(() => replies.length === 1, 'the loss is known');
    expect(replies).toEqual([{ kind: 'gone' }]);
    client.infer(call, (reply) => replies.push(reply));
    await waitUntil(() => replies.length === 2, 'without a connection there is none to wait for');
    await serve();
    await waitUntil(() => client.state === 'LOADING', 'greeted again');
  });

  it('give up for good without reconnect', async () => {
    await server.close();
    const client = connect('gateway', false);
    await waitUntil(() => client.state === 'CLOSED', 'closed');
    await serve();
  });

  it('answer a ping with counters, and let a ping without an answer fail', async () => {
    const client = connect();
    await expect(client.ping(10)).rejects.toThrow('not connected');
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    expect(await client.ping(1000)).toMatchObject({ pending: 1, spoolBytes: 8 });
  });

  it('know for how long no worker has been there', async () => {
    expect(server.orphanedForMs).toBeGreaterThan(0);
    const gateway = connect('gateway');
    const worker = connect('worker');
    await waitUntil(() => server.orphanedForMs === 0, 'the worker is known');
    worker.close();
    await waitUntil(() => server.orphanedForMs > 0, 'the worker is missed');
    expect(gateway.state).toBe('LOADING');
  });

  it('tell those who come late that loading failed', async () => {
    server.announceFailure('because');
    const client = connect();
    let reason = '';
    client.on('failed', (text) => {
      reason = text;
    });
    await waitUntil(() => reason === 'because', 'the reason arrives');
  });

  it('close a connection that sends a frame over the bound or a greeting that is none, and serve the others', async () => {
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const greeting = Buffer.from('no JSON');
    const bad = [
      encodeFrameHead(frameTypes.INFER, 1, {}, 1_000_001),
      Buffer.concat([encodeFrameHead(frameTypes.HELLO, 0, {}, greeting.length), greeting]),
    ];
    for (const bytes of bad) {
      const socket = createConnection(join(folder, 's'));
      let closed = false;
      socket.on('close', () => {
        closed = true;
      });
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(bytes);
      await waitUntil(() => closed, 'the connection is closed');
    }
    expect(await client.ping(1000)).toMatchObject({ pending: 1 });
  });

  it('carry a body of many megabytes whole', async () => {
    await server.close();
    server = new InstanceServer({ ...serverOptions(), maxFrameBytes: 100_000_000 });
    await server.listen();
    const client = connect();
    await waitUntil(() => client.state === 'LOADING', 'greeted');
    const body = Buffer.alloc(20_000_000, 7);
    let reply: InferReply | undefined;
    client.infer({ ...call, body }, (each) => {
      reply = each;
    });
    await waitUntil(() => arrived.length === 1, 'it arrived');
    for (const request of arrived) request.connection.send(frameTypes.RESULT, request.stream, {}, request.body);
    await waitUntil(() => reply !== undefined, 'it came back');
    expect(reply?.kind === 'result' && reply.body.equals(body)).toBe(true);
  });
});

function serverOptions(): ConstructorParameters<typeof InstanceServer>[0] {
  return {
    socketPath: join(folder, 's'),
    hello: { instanceId: 'ins_1', pid: 7, revisionId: 'rev_1' },
    handlers: {
      onInfer: (request) => arrived.push(request),
      onCancel: (_connection, stream) => cancelled.push(stream),
      onGone: () => undefined,
      onDrain: () => server.become('DRAINING'),
      counters: () => ({ pending: 1, requests: 2, failures: 3, runs: 4, busyForMs: 5, recordsWritten: 6, recordsDropped: 7, spoolBytes: 8 }),
    },
  };
}
