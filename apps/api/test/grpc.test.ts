import { randomBytes } from 'node:crypto';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { Metadata } from '@grpc/grpc-js';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Instances, snapshotOf, TestGateway } from './gateway-harness.js';
import { failureOf, floatsOf, linearRequest, type Message, serialize, TestGrpc } from './grpc-harness.js';
import { framed, statusOf, Wire } from './grpc-wire.js';

const good = serialize(linearRequest([1, 2]));

describe('gRPC', () => {
  let instances: Instances;
  let gateway: TestGateway;
  let grpc: TestGrpc;
  let wire: Wire;
  const linear = { instanceId: 'ins_a', revision: 3, model: 'linear' } as const;

  beforeAll(async () => {
    instances = await Instances.open();
    gateway = await TestGateway.open();
    grpc = await TestGrpc.open(gateway);
    await instances.start(linear);
    gateway.core.apply(snapshotOf(instances, [linear], 3));
    await gateway.untilReady(1);
    wire = await Wire.open(grpc.port);
  });
  afterAll(async () => {
    wire?.close();
    grpc?.close();
    await gateway?.close();
    await instances?.close();
  });
  afterEach(async () => {
    // Whatever a test did: nothing of it stays, and the same connection still answers.
    expect(statusOf(await wire.call(framed(good)))).toBe('0');
    await waitFor(() => gateway.core.heldBytes === 0 && gateway.core.inFlight === 0, { what: 'nothing held' });
  });

  describe('ModelInfer', () => {
    it('answers raw and typed contents, with the id, the version, and the prediction id beside it', async () => {
      const typed = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [1, 2] } }], raw_input_contents: [] };
      for (const more of [{}, typed]) {
        const { message, head } = await grpc.infer(linearRequest([1, 2], { id: 'r-1', ...more }));
        expect(message).toMatchObject({ model_name: 'fraud', model_version: '3', id: 'r-1' });
        expect(message['outputs']).toMatchObject([{ name: 'y', datatype: 'FP32', shape: ['1', '1'] }]);
        expect(floatsOf(message)).toEqual([8]);
        expect(head.get('slipway-prediction-id')[0]).toMatch(/^prd_/);
        expect(head.get('slipway-revision')).toEqual(['3']);
      }
    });

    it('reaches a version by its number, and gives classes', async () => {
      const outputs = [{ name: 'y', parameters: { classification: { int64_param: 1 } } }];
      const { message } = await grpc.infer(linearRequest([1, 2], { model_version: '3', outputs }));
      expect(message['outputs']).toMatchObject([{ name: 'y', datatype: 'BYTES', shape: ['1', '1'] }]);
      expect(JSON.stringify(message['raw_output_contents'])).toBe(JSON.stringify([Buffer.from('\u000a\0\0\x008.000000:0')]));
    });

    it('takes headers as over HTTP, and echoes the request id', async () => {
      const metadata = new Metadata();
      metadata.set('x-request-id', 'mine-1');
      metadata.set('slipway-routing-key', 'k');
      metadata.set('slipway-priority', '1');
      const { head } = await grpc.infer(linearRequest([1, 2]), metadata);
      expect(head.get('x-request-id')).toEqual(['mine-1']);
      metadata.set('slipway-priority', 'high');
      expect(await failureOf(grpc.infer(linearRequest([1, 2]), metadata))).toMatchObject({ code: 'INVALID_ARGUMENT', error: 'REQUEST_INVALID' });
    });

    it.each<{ says: string; message: Message; code: string; error: string }>([
      { says: 'there is no deployment named "nobody"', message: { model_name: 'nobody' }, code: 'NOT_FOUND', error: 'DEPLOYMENT_NOT_FOUND' },
      { says: 'version 9 of "fraud" is not served here', message: { model_version: '9' }, code: 'NOT_FOUND', error: 'VERSION_NOT_FOUND' },
      { says: 'version "newest" of "fraud" is not', message: { model_version: 'newest' }, code: 'NOT_FOUND', error: 'VERSION_NOT_FOUND' },
      { says: 'the field "model_name" is empty', message: { model_name: '' }, code: 'INVALID_ARGUMENT', error: 'INFER_INVALID' },
      {
        says: 'has 10240 characters, the limit is 128',
        message: { model_name: 'x'.repeat(10_240) },
        code: 'INVALID_ARGUMENT',
        error: 'INFER_INVALID',
      },
      {
        says: 'expected 8 bytes for FP32 [1,2], given 4',
        message: { raw_input_contents: [Buffer.alloc(4)] },
        code: 'INVALID_ARGUMENT',
        error: 'INFER_INVALID',
      },
      { says: 'has 2 entries', message: { raw_input_contents: [good, good] }, code: 'INVALID_ARGUMENT', error: 'INFER_INVALID' },
      {
        says: 'asks for a sequence',
        message: { parameters: { sequence_id: { int64_param: 7 } } },
        code: 'UNIMPLEMENTED',
        error: 'FEATURE_UNSUPPORTED',
      },
      {
        says: 'has no value, or one of a kind that is not known',
        message: { parameters: { a: {} } },
        code: 'INVALID_ARGUMENT',
        error: 'INFER_INVALID',
      },
    ])('refuses with status, text and code: $says', async ({ says, message, code, error }) => {
      const failure = await failureOf(grpc.infer(linearRequest([1, 2], message)));
      expect(failure).toMatchObject({ code, error });
      expect(failure.details).toContain(says);
    });

    it('keeps the text of an error whatever its letters', async () => {
      expect((await failureOf(grpc.infer(linearRequest([1, 2], { model_name: 'Größe 100 %' })))).details).toContain('"Größe 100 %"');
    });

    it.each<{ name: string; body: Buffer; status: string }>([
      { name: 'bytes that are no message', body: framed(Buffer.alloc(64, 0xff)), status: '3' },
      { name: '10 000 groups in each other', body: framed(Buffer.alloc(10_000, 0x0b)), status: '3' },
      { name: 'a cut message', body: framed(good.subarray(0, good.length - 5)), status: '3' },
      { name: 'a length beyond the message', body: framed(Buffer.from([0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f])), status: '3' },
      { name: 'a frame that ends too early', body: framed(good).subarray(0, 20), status: '3' },
      { name: 'no message at all', body: Buffer.alloc(0), status: '3' },
      { name: 'flags that nobody knows', body: framed(good, 7), status: '3' },
      { name: 'a message said to be compressed without a word how', body: framed(good, 1), status: '3' },
    ])('refuses $name, and the connection goes on', async ({ body, status }) => {
      expect(statusOf(await wire.call(body))).toBe(status);
    });

    it('takes no second message', async () => {
      const { stream, answer } = wire.start();
      stream.end(Buffer.concat([framed(good), framed(good)]));
      expect(['0', '3']).toContain(statusOf(await answer));
    });

    it('takes bytes however they are cut', async () => {
      const { stream, answer } = wire.start();
      for (const byte of framed(good)) {
        stream.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      stream.end();
      expect(statusOf(await answer)).toBe('0');
    });

    it('refuses a message over the limit by its announcement, before its bytes', async () => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(gateway.core.context.maxBodyBytes + 1, 1);
      const { stream, answer } = wire.start();
      stream.write(prefix);
      expect(statusOf(await answer)).toBe('8');
    });

    it('takes a message of the limit, beyond what the library takes by default', async () => {
      const large = await TestGateway.open({ maxBodyBytes: 16 * 1024 * 1024 });
      const server = await TestGrpc.open(large);
      large.core.apply(snapshotOf(instances, [linear], 3));
      await large.untilReady(1);
      const values = Array.from({ length: 2_000_000 }, (_, index) => index % 7);
      const { message } = await server.infer(linearRequest(values));
      expect(floatsOf(message)).toHaveLength(1_000_000);
      expect(floatsOf(message).slice(0, 2)).toEqual([5, 11]);
      server.close();
      await large.close();
    });

    it.each(['gzip', 'deflate'] as const)('reads %s, and answers so when that is taken', async (encoding) => {
      const compress = encoding === 'gzip' ? gzipSync : deflateSync;
      const expand = encoding === 'gzip' ? gunzipSync : inflateSync;
      const large = serialize(linearRequest(Array.from({ length: 2_000 }, () => 1)));
      const { head, body, trailers } = await wire.call(framed(compress(large), 1), {
        'grpc-encoding': encoding,
        'grpc-accept-encoding': `identity,${encoding}`,
      });
      expect(trailers['grpc-status']).toBe('0');
      expect(head['grpc-encoding']).toBe(encoding);
      expect(body[0]).toBe(1);
      expect(expand(body.subarray(5)).length).toBeGreaterThan(4_000);
      const plain = await wire.call(framed(compress(large), 1), { 'grpc-encoding': encoding, 'grpc-accept-encoding': 'identity' });
      expect(plain.head['grpc-encoding']).toBeUndefined();
      expect(plain.body[0]).toBe(0);
    });

    it('refuses what expands beyond the limit, and compressions that it does not know', async () => {
      const bomb = gzipSync(Buffer.alloc(gateway.core.context.maxBodyBytes + 1));
      expect(statusOf(await wire.call(framed(bomb, 1), { 'grpc-encoding': 'gzip' }))).toBe('8');
      expect(statusOf(await wire.call(framed(randomBytes(100), 1), { 'grpc-encoding': 'gzip' }))).toBe('3');
      const unknown = await wire.call(framed(good, 1), { 'grpc-encoding': 'snappy' });
      expect(statusOf(unknown)).toBe('12');
      expect(unknown.head['grpc-accept-encoding']).toBe('identity,deflate,gzip');
    });

    it('compresses with the client library of the language, both ways', async () => {
      const other = await TestGrpc.open(gateway, {}, undefined, { 'grpc.default_compression_algorithm': 2 });
      const { message } = await other.infer(linearRequest(Array.from({ length: 2_000 }, () => 1)));
      expect(floatsOf(message)).toHaveLength(1_000);
      other.close();
    });
  });

  describe('the head of a call', () => {
    it.each<{ name: string; headers: Record<string, string>; status: string }>([
      { name: 'an unknown method', headers: { ':path': '/inference.GRPCInferenceService/Nothing' }, status: '12' },
      { name: 'an unknown service', headers: { ':path': '/nobody.Service/Nothing' }, status: '12' },
      { name: 'a foreign authority', headers: { ':authority': 'evil.example' }, status: '7' },
      { name: 'broken base64 in binary metadata', headers: { 'x-trace-bin': '%%%not-base64%%%' }, status: '3' },
      { name: 'a malformed timeout', headers: { 'grpc-timeout': 'soon' }, status: '3' },
      { name: 'a deadline that has passed', headers: { 'grpc-timeout': '1n' }, status: '4' },
    ])('$name has status $status', async ({ headers, status }) => {
      expect(statusOf(await wire.call(framed(good), headers))).toBe(status);
    });

    it('takes binary metadata that is base64', async () => {
      for (const value of ['AAEC', 'AA', 'AAE=', 'AA, AAEC', '']) expect(statusOf(await wire.call(framed(good), { 'x-trace-bin': value }))).toBe('0');
    });

    it.each<{ name: string; headers: Record<string, string>; status: number }>([
      { name: 'another media type', headers: { 'content-type': 'application/json' }, status: 415 },
      { name: 'gRPC for the web', headers: { 'content-type': 'application/grpc-web' }, status: 415 },
      { name: 'another method', headers: { ':method': 'PUT' }, status: 405 },
    ])('answers $name as HTTP: $status', async ({ headers, status }) => {
      expect((await wire.call(framed(good), headers)).head[':status']).toBe(status);
    });
  });
});
