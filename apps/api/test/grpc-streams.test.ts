import { once } from 'node:events';
import { Metadata, status } from '@grpc/grpc-js';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Admission } from '../src/gateway/gateway-core.js';
import { Instances, snapshotOf, TestGateway } from './gateway-harness.js';
import { failureOf, floatsOf, inference, isServiceError, linearRequest, loopRequest, type Message, serialize, TestGrpc } from './grpc-harness.js';
import { framed, Wire } from './grpc-wire.js';

const streamInfer = inference('ModelStreamInfer');

/** Sends the requests on one stream, ends it, and gives all that came back. */
async function exchange(grpc: TestGrpc, requests: readonly Message[], metadata?: Metadata, options: object = {}): Promise<Message[]> {
  const call = grpc.bidi(streamInfer, metadata, options);
  for (const request of requests) call.write(request);
  call.end();
  const messages: Message[] = [];
  for await (const message of call) messages.push(message);
  return messages;
}

function responseOf(message: Message | undefined): Message {
  const response = message?.['infer_response'];
  if (typeof response !== 'object' || response === null) throw new Error('there is no response');
  return Object.fromEntries(Object.entries(response));
}

function idsOf(messages: readonly Message[]): unknown[] {
  return messages.map((message) => responseOf(message)['id']);
}

/** Some hundred ms of one instance. */
const longTurns = 1_000_000;

describe('streams, cancels and deadlines over gRPC', () => {
  let instances: Instances;
  let gateway: TestGateway;
  let grpc: TestGrpc;
  let isAllowed = true;
  const linear = { instanceId: 'ins_a', revision: 3, model: 'linear' } as const;
  const loop = { instanceId: 'ins_b', revision: 1, model: 'loop' } as const;

  beforeAll(async () => {
    instances = await Instances.open();
    gateway = await TestGateway.open();
    const refused: Admission = { ok: false, code: 'CREDENTIAL_INVALID', message: 'this credential is not known here' };
    grpc = await TestGrpc.open(gateway, { admit: () => (isAllowed ? { ok: true, projectId: 'prj_default' } : refused) });
    await instances.start(linear);
    await instances.start(loop);
  });
  afterAll(async () => {
    grpc?.close();
    await gateway?.close();
    await instances?.close();
  });
  afterEach(async () => {
    await waitFor(() => gateway.core.heldBytes === 0 && gateway.core.inFlight === 0, { what: 'nothing held' });
  });

  async function serve(sketch: typeof linear | typeof loop, change: { maxQueue?: number } = {}): Promise<void> {
    gateway.core.apply(snapshotOf(instances, [sketch], sketch.revision, change));
    await gateway.untilReady(1);
  }

  it('answers the requests of a stream in their order, many more than may be under way at once', async () => {
    await serve(linear);
    const requests = Array.from({ length: 500 }, (_, index) => linearRequest([index, 0], { id: `r${index}` }));
    const messages = await exchange(grpc, requests);
    expect(idsOf(messages)).toEqual(requests.map(({ id }) => id));
    expect(messages.map((message) => floatsOf(responseOf(message))[0])).toEqual(requests.map((_, index) => index + 3));
  });

  it('tells a failed request by a message with its id, and goes on', async () => {
    await serve(linear);
    const messages = await exchange(grpc, [
      linearRequest([1, 2], { id: 'a' }),
      linearRequest([1, 2], { id: 'b', model_name: 'nobody' }),
      linearRequest([1, 2], { id: 'c', raw_input_contents: [] }),
      linearRequest([1, 2], { id: 'd' }),
    ]);
    expect(idsOf(messages)).toEqual(['a', 'b', 'c', 'd']);
    expect(messages.map((message) => message['error_message'])).toEqual([
      '',
      'there is no deployment named "nobody"',
      'input "x" has neither "contents" nor an entry in "raw_input_contents"',
      '',
    ]);
  });

  it('closes each request with an empty response where that is asked for', async () => {
    await serve(linear);
    const asked = { parameters: { triton_enable_empty_final_response: { bool_param: true } } };
    const messages = await exchange(grpc, [
      linearRequest([1, 2], { id: 'a', ...asked }),
      linearRequest([1, 2], { id: 'b', model_name: 'nobody', ...asked }),
    ]);
    const marks = messages.map((message) => [responseOf(message)['id'], responseOf(message)['parameters']]);
    const mark = (isFinal: boolean) => ({ triton_final_response: { bool_param: isFinal, parameter_choice: 'bool_param' } });
    expect(marks).toEqual([
      ['a', mark(false)],
      ['a', mark(true)],
      ['b', mark(true)],
    ]);
    expect(responseOf(messages[1])).toMatchObject({ model_name: 'fraud', model_version: '3', outputs: [], raw_output_contents: [] });
  });

  it('tells a message that is none as a failed request', async () => {
    await serve(linear);
    const wire = await Wire.open(grpc.port);
    const { stream, answer } = wire.start({ ':path': streamInfer.path });
    stream.end(Buffer.concat([framed(Buffer.alloc(20, 0xff)), framed(serialize(linearRequest([1, 2])))]));
    const { trailers, body } = await answer;
    expect(trailers['grpc-status']).toBe('0');
    expect(body.toString('latin1')).toContain('not a protobuf message');
    expect(body.toString('latin1')).toContain('fraud');
    wire.close();
  });

  it('lets a caller that does not read wait, with a bounded number under way, and answers it when it does', async () => {
    await serve(linear);
    const call = grpc.bidi(streamInfer);
    call.pause();
    const count = 40;
    // Large answers: only a few fit into the windows of a connection.
    const values = Array.from({ length: 100_000 }, (_, index) => index % 5);
    let written = 0;
    const write = async () => {
      for (; written < count; written++) if (!call.write(linearRequest(values, { id: `r${written}` }))) await once(call, 'drain');
      call.end();
    };
    const writing = write();
    await waitFor(() => gateway.core.inFlight === 0 && written > 0, { what: 'the gateway has stopped reading' });
    expect(gateway.core.heldBytes).toBeLessThan(20 * 1024 * 1024);
    const ids: unknown[] = [];
    for await (const message of call) ids.push(responseOf(message)['id']);
    await writing;
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => `r${index}`));
  });

  it('ends a stream whose key is taken back while it is open', async () => {
    await serve(linear);
    const call = grpc.bidi(streamInfer);
    call.write(linearRequest([1, 2]));
    await once(call, 'data');
    isAllowed = false;
    call.write(linearRequest([1, 2]));
    const [error] = await once(call, 'error');
    isAllowed = true;
    expect(isServiceError(error) && status[error.code]).toBe('UNAUTHENTICATED');
  });

  it('takes what waits out of the queue when its caller cancels, one call or a stream', async () => {
    await serve(loop);
    const blocker = grpc.infer(loopRequest(longTurns));
    await waitFor(() => gateway.core.inFlight === 1, { what: 'the instance is busy' });
    const { path, requestSerialize, responseDeserialize } = inference('ModelInfer');
    const waiting = grpc.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, loopRequest(1), () => undefined);
    const stream = grpc.bidi(streamInfer);
    stream.on('error', () => undefined);
    stream.write(loopRequest(1));
    stream.write(loopRequest(1));
    await waitFor(() => gateway.core.inFlight === 4, { what: 'three are waiting' });
    waiting.cancel();
    stream.cancel();
    await waitFor(() => gateway.core.inFlight === 1, { what: 'nobody is waiting' });
    await blocker;
    expect(gateway.samples.filter(({ outcome }) => outcome === 'cancelled')).toHaveLength(3);
  });

  it.each<{ name: string; metadata?: Record<string, string>; options?: () => object; more?: Message }>([
    { name: 'the deadline of the call', options: () => ({ deadline: Date.now() + 80 }) },
    { name: 'the header', metadata: { 'slipway-deadline-ms': '80' } },
    { name: 'the parameter', more: { parameters: { timeout: { int64_param: 80_000 } } } },
  ])(
    'ends with DEADLINE_EXCEEDED and without a run when the time is over, as stated by $name',
    async ({ metadata = {}, options = () => ({}), more = {} }) => {
      await serve(loop);
      const blocker = grpc.infer(loopRequest(longTurns));
      await waitFor(() => gateway.core.inFlight === 1, { what: 'the instance is busy' });
      const head = new Metadata();
      for (const [name, value] of Object.entries(metadata)) head.set(name, value);
      const before = gateway.samples.length;
      expect(await failureOf(grpc.infer(loopRequest(1, more), head, options()))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      await blocker;
      await waitFor(() => gateway.samples.length === before + 2, { what: 'both are counted' });
      const outcomes = gateway.samples.slice(before).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'deadline_exceeded' || outcome === 'cancelled')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'success')).toHaveLength(1);
    },
  );

  it('refuses with RESOURCE_EXHAUSTED and a word when to come back when the queue is full', async () => {
    await serve(loop, { maxQueue: 1 });
    const replies = Array.from({ length: 6 }, () => grpc.infer(loopRequest(longTurns)));
    const ends = await Promise.all(
      replies.map((reply) =>
        reply.then(
          () => undefined,
          () => failureOf(reply),
        ),
      ),
    );
    const failures = ends.filter((end) => end !== undefined);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.length).toBeLessThan(6);
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'RESOURCE_EXHAUSTED', error: 'QUEUE_FULL' });
      expect(Number(failure.retryAfter)).toBeGreaterThanOrEqual(1);
    }
  });

  it('says UNAVAILABLE while nothing is ready', async () => {
    gateway.core.apply(snapshotOf(instances, [loop], undefined, { suspended: true }));
    expect(await failureOf(grpc.infer(loopRequest(1)))).toMatchObject({ code: 'UNAVAILABLE', error: 'DEPLOYMENT_NOT_READY', retryAfter: '1' });
  });
});
