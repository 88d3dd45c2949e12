import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { credentials, Metadata, status } from '@grpc/grpc-js';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Admission } from '../src/gateway/gateway-core.js';
import { Instances, snapshotOf, TestGateway } from './gateway-harness.js';
import {
  failureOf,
  floatsOf,
  health,
  inference,
  isServiceError,
  linearRequest,
  loopRequest,
  type Message,
  reflection,
  serialize,
  TestGrpc,
} from './grpc-harness.js';
import { framed, statusOf, Wire } from './grpc-wire.js';
import { selfSigned } from './self-signed.js';

const linear = { instanceId: 'ins_a', revision: 3, model: 'linear' } as const;
const loop = { instanceId: 'ins_b', revision: 1, model: 'loop' } as const;

/** Sends bytes on a connection of its own; resolves with ms until the server closed it, and with what it said. */
async function pour(
  port: number,
  bytes: Buffer,
  open: (port: number) => Socket = (to) => connect(to, '127.0.0.1'),
): Promise<{ ms: number; said: Buffer }> {
  const startedAt = performance.now();
  const socket = open(port);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('error', () => undefined);
  socket.write(bytes);
  await once(socket, 'close');
  return { ms: performance.now() - startedAt, said: Buffer.concat(pieces) };
}

/** An HTTP/2 frame. */
function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0)]);
/** The frame's type of GOAWAY and the code ENHANCE_YOUR_CALM, in a connection's bytes. */
function saysCalm(said: Buffer): boolean {
  for (let at = 0; at + 17 <= said.length; at += 9 + said.readUIntBE(at, 3)) if (said[at + 3] === 7 && said.readUInt32BE(at + 13) === 11) return true;
  return false;
}

describe('the gRPC port', () => {
  let instances: Instances;
  let gateway: TestGateway;
  const open: TestGrpc[] = [];

  beforeAll(async () => {
    instances = await Instances.open();
    await Promise.all([instances.start(linear), instances.start(loop)]);
    gateway = await TestGateway.open();
    gateway.core.apply(snapshotOf(instances, [linear], 3));
    await gateway.untilReady(1);
  });
  afterEach(() => {
    for (const grpc of open.splice(0)) grpc.close();
  });
  afterAll(async () => {
    await gateway?.close();
    await instances?.close();
  });

  async function serve(...more: Parameters<typeof TestGrpc.open> extends [unknown, ...infer Rest] ? Rest : never): Promise<TestGrpc> {
    const grpc = await TestGrpc.open(gateway, ...more);
    open.push(grpc);
    return grpc;
  }

  describe('access', () => {
    const admit = ({ headers }: { headers: Record<string, unknown> }, route: { name: string }): Admission => {
      if (route.name === 'live') return { ok: true, projectId: 'prj_default' };
      if (headers['authorization'] === undefined) return { ok: false, code: 'CREDENTIAL_MISSING', message: 'a key is needed' };
      if (headers['authorization'] === 'Bearer other') return { ok: true, projectId: 'prj_other' };
      if (headers['authorization'] !== 'Bearer mine') return { ok: false, code: 'SCOPE_MISSING', message: 'this needs the scope "predict"' };
      return { ok: true, projectId: 'prj_default' };
    };

    it.each([
      { key: undefined, code: 'UNAUTHENTICATED', error: 'CREDENTIAL_MISSING' },
      { key: 'Bearer view', code: 'PERMISSION_DENIED', error: 'SCOPE_MISSING' },
      { key: 'Bearer other', code: 'NOT_FOUND', error: 'DEPLOYMENT_NOT_FOUND' },
    ])('asks the same question as over HTTP before it reads a message: $code', async ({ key, code, error }) => {
      const grpc = await serve({ admit });
      const metadata = new Metadata();
      if (key !== undefined) metadata.set('authorization', key);
      expect(await failureOf(grpc.infer(linearRequest([1, 2]), metadata))).toMatchObject({ code, error });
    });

    it('lets the right key in, and everybody ask for health', async () => {
      const grpc = await serve({ admit });
      const metadata = new Metadata();
      metadata.set('authorization', 'Bearer mine');
      expect(floatsOf((await grpc.infer(linearRequest([1, 2]), metadata)).message)).toEqual([8]);
      expect((await grpc.call(health('Check'), {})).message).toMatchObject({ status: 'SERVING' });
      expect((await grpc.call(inference('ServerLive'), {})).message).toMatchObject({ live: true });
    });
  });

  describe('health', () => {
    it('knows the server, its services, and no others', async () => {
      const grpc = await serve();
      for (const service of ['', 'inference.GRPCInferenceService', 'grpc.health.v1.Health']) {
        expect((await grpc.call(health('Check'), { service })).message).toEqual({ status: 'SERVING' });
      }
      expect(await failureOf(grpc.call(health('Check'), { service: 'nobody' }))).toMatchObject({ code: 'NOT_FOUND' });
    });

    it('tells those who watch of a change, and what it does not know as such', async () => {
      const grpc = await serve();
      const { path, requestSerialize, responseDeserialize } = health('Watch');
      const watch = (service: string) => {
        const seen: unknown[] = [];
        const call = grpc.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
        call.on('data', (message: Message) => seen.push(message['status']));
        const ended = once(call, 'error').then(([error]: unknown[]) => (isServiceError(error) ? status[error.code] : error));
        return { seen, ended };
      };
      const [known, unknown] = [watch(''), watch('nobody')];
      await waitFor(() => known.seen.length === 1 && unknown.seen.length === 1, { what: 'the first word' });
      grpc.gateway.startDraining();
      await waitFor(() => known.seen.length === 2, { what: 'the change' });
      expect(known.seen).toEqual(['SERVING', 'NOT_SERVING']);
      expect(unknown.seen).toEqual(['SERVICE_UNKNOWN']);
      await grpc.gateway.drain({ lingerMs: 0, graceMs: 5_000 });
      expect(await Promise.all([known.ended, unknown.ended])).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    });
  });

  describe('reflection', () => {
    it.each(['v1', 'v1alpha'] as const)('%s lists the services and describes them in a form that tools take', async (version) => {
      const grpc = await serve();
      const call = grpc.bidi(reflection[version]('ServerReflectionInfo'));
      const questions = [
        { list_services: '*' },
        { file_containing_symbol: 'inference.GRPCInferenceService' },
        { file_containing_symbol: 'inference.ModelInferRequest.InferInputTensor' },
        { file_containing_symbol: 'inference.GRPCInferenceService.ModelInfer' },
        { file_by_filename: 'health.proto' },
        { file_containing_symbol: 'nobody.Knows' },
        { all_extension_numbers_of_type: 'inference.ModelInferRequest' },
      ];
      for (const question of questions) call.write(question);
      call.end();
      const answers: Message[] = [];
      for await (const answer of call) answers.push(answer);
      const files = answers.map((answer) => JSON.stringify(answer['file_descriptor_response'] ?? null) !== 'null');
      expect(files).toEqual([false, true, true, true, true, false, false]);
      expect(JSON.stringify(answers[0])).toContain('"service":[{"name":"inference.GRPCInferenceService"},{"name":"grpc.health.v1.Health"}');
      expect(answers[5]).toMatchObject({ error_response: { error_code: 5 } });
      expect(answers[6]).toMatchObject({ error_response: { error_code: 5 } });
      expect(answers.map((answer) => answer['original_request'])).toMatchObject(questions);
    });
  });

  describe('TLS', () => {
    it('speaks it where it has a certificate, and nothing else', async () => {
      const tls = selfSigned();
      const grpc = await serve({ tls }, credentials.createSsl(tls.cert));
      expect(floatsOf((await grpc.infer(linearRequest([1, 2]))).message)).toEqual([8]);
      const plain = await pour(grpc.port, Buffer.concat([preface, Buffer.alloc(2_000)]));
      expect(plain.ms).toBeLessThan(5_000);
      const half = await pour(grpc.port, Buffer.from('1603010200010001fc0303', 'hex'));
      expect(half.ms).toBeLessThan(5_000);
      const http1 = await pour(grpc.port, Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), (port) =>
        connectTls({ port, host: '127.0.0.1', ca: tls.cert, servername: 'localhost' }),
      );
      expect(http1.ms).toBeLessThan(5_000);
      expect(floatsOf((await grpc.infer(linearRequest([1, 2]))).message)).toEqual([8]);
    });
  });

  describe('what no client sends', () => {
    it.each([
      { name: 'HTTP/1.1', bytes: Buffer.from('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n') },
      { name: 'bytes of TLS', bytes: Buffer.concat([Buffer.from('16030100f1010000ed0303', 'hex'), Buffer.alloc(240, 7)]) },
      { name: 'nothing', bytes: Buffer.alloc(0) },
      { name: 'half a greeting', bytes: Buffer.from('PRI * HTTP/2.0\r\n') },
    ])('closes a connection with $name soon', async ({ bytes }) => {
      const grpc = await serve({ limits: { greetingMs: 1_000 } });
      expect((await pour(grpc.port, bytes)).ms).toBeLessThan(5_000);
    });

    const ping = frame(6, 0, 0, Buffer.alloc(8));
    const window = frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]));
    it.each([
      { name: 'pings', bytes: Buffer.concat(Array.from({ length: 5_000 }, () => ping)), calm: true },
      { name: 'settings', bytes: Buffer.concat(Array.from({ length: 5_000 }, () => frame(4, 0, 0))), calm: true },
      { name: 'windows beyond their limit', bytes: Buffer.concat(Array.from({ length: 10_000 }, () => window)), calm: false },
    ])('ends a connection flooded with $name, and serves the others', async ({ bytes, calm }) => {
      const grpc = await serve();
      const { said } = await pour(grpc.port, Buffer.concat([preface, bytes]));
      if (calm) expect(saysCalm(said)).toBe(true);
      expect(floatsOf((await grpc.infer(linearRequest([1, 2]))).message)).toEqual([8]);
      await waitFor(() => grpc.gateway.connectionsOpen === 1, { what: 'the flooded connection is gone' });
    });

    it('caps the calls of a connection', async () => {
      const grpc = await serve();
      const wire = await Wire.open(grpc.port);
      expect(wire.session.remoteSettings.maxConcurrentStreams).toBe(1_000);
      wire.close();
    });

    it('gives up a message of which nothing more comes, and one that drips', async () => {
      const grpc = await serve({ limits: { messageIdleMs: 300, greetingMs: 1_000 } });
      const wire = await Wire.open(grpc.port);
      const silent = wire.start();
      const cut = wire.start();
      cut.stream.write(framed(serialize(linearRequest([1, 2]))).subarray(0, 10));
      const dripping = wire.start();
      const drip = setInterval(() => dripping.stream.write(Buffer.of(0)), 100);
      const ends = await Promise.all([silent.answer, cut.answer, dripping.answer]);
      clearInterval(drip);
      expect(ends.map(statusOf)).toEqual(['4', '4', '4']);
      expect(ends.map(({ trailers }) => trailers['slipway-error'])).toEqual(['BODY_TIMEOUT', 'BODY_TIMEOUT', 'BODY_TIMEOUT']);
      expect(gateway.core.heldBytes).toBe(0);
      wire.close();
    });

    it('ends a connection whose client does not answer any more', async () => {
      const grpc = await serve({ limits: { quietMs: 200, pongMs: 200, greetingMs: 1_000 } });
      // Greets, and then never answers the ping.
      expect((await pour(grpc.port, preface)).ms).toBeLessThan(10_000);
    });

    it('holds no more bytes of messages than it may, whoever sends them', async () => {
      const small = await TestGateway.open({ maxBodyBytes: 1024 * 1024, maxHeldBytes: 1024 * 1024 });
      const grpc = await TestGrpc.open(small);
      const wire = await Wire.open(grpc.port);
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(1_000_000, 1);
      const calls = Array.from({ length: 4 }, () => wire.start());
      for (const { stream } of calls) stream.write(Buffer.concat([prefix, Buffer.alloc(600_000)]));
      const first = await Promise.race(calls.map(({ answer }) => answer));
      expect(first.trailers['slipway-error']).toBe('QUEUE_FULL');
      expect(small.core.heldBytes).toBeLessThanOrEqual(1024 * 1024);
      for (const { stream } of calls) stream.close(constants.NGHTTP2_CANCEL);
      await Promise.all(calls.map(({ answer }) => answer));
      wire.close();
      await waitFor(() => small.core.heldBytes === 0, { what: 'nothing held' });
      grpc.close();
      await small.close();
    });
  });

  describe('leaving', () => {
    it('answers what is under way and what was on its way, and takes nothing new', async () => {
      const busy = await TestGateway.open();
      busy.core.apply(snapshotOf(instances, [loop], 1));
      await busy.untilReady(1);
      const grpc = await TestGrpc.open(busy);
      const wire = await Wire.open(grpc.port);
      const running = grpc.infer(loopRequest(1_000_000));
      await waitFor(() => busy.core.inFlight === 1, { what: 'a run' });
      const stream = grpc.bidi(inference('ModelStreamInfer'));
      const streamed: Message[] = [];
      stream.on('data', (message: Message) => streamed.push(message));
      const streamEnd = once(stream, 'error');
      stream.write(loopRequest(1, { id: 's' }));
      await waitFor(() => busy.core.inFlight === 2, { what: 'a stream' });
      const goneAway = once(wire.session, 'goaway');
      const drained = grpc.gateway.drain({ lingerMs: 300, graceMs: 20_000 });
      const late = wire.call(framed(serialize(loopRequest(1))));
      await goneAway;
      expect(statusOf(await late)).toBe('0');
      expect((await running).message['model_version']).toBe('1');
      const [error]: unknown[] = await streamEnd;
      expect(isServiceError(error) && status[error.code]).toBe('UNAVAILABLE');
      expect(streamed).toHaveLength(1);
      expect(await drained).toBe(0);
      await expect(once(connect(grpc.port, '127.0.0.1'), 'connect')).rejects.toThrow(/ECONNREFUSED/);
      grpc.close();
      wire.close();
      await busy.close();
    });

    it('cuts what does not end within its time, and counts it', async () => {
      const grpc = await serve();
      const wire = await Wire.open(grpc.port);
      wire.start();
      await waitFor(() => grpc.gateway.callsOpen === 1, { what: 'a call' });
      expect(await grpc.gateway.drain({ lingerMs: 0, graceMs: 100 })).toBe(1);
      wire.close();
    });
  });
});
