import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Instances, snapshotOf, TestGateway } from './gateway-harness.js';
import { failureOf, inference, linearRequest, type Message, TestGrpc } from './grpc-harness.js';

const linear = { instanceId: 'ins_a', revision: 3, model: 'linear' } as const;

describe('the protocol over gRPC beside predictions', () => {
  let instances: Instances;
  let gateway: TestGateway;
  let grpc: TestGrpc;

  beforeAll(async () => {
    instances = await Instances.open();
    await instances.start(linear);
    gateway = await TestGateway.open();
    gateway.core.apply(snapshotOf(instances, [linear], 3));
    await gateway.untilReady(1);
    grpc = await TestGrpc.open(gateway);
    await grpc.infer(linearRequest([1, 2, 3, 4]));
  });
  afterAll(async () => {
    grpc?.close();
    await gateway?.close();
    await instances?.close();
  });

  async function call(name: string, message: Message = {}): Promise<Message> {
    return (await grpc.call(inference(name), message)).message;
  }

  async function rest(path: string, method = 'GET'): Promise<Message> {
    const answer: unknown = JSON.parse((await gateway.send(method, path)).text);
    return Object.fromEntries(Object.entries(Object(answer)));
  }

  it('says of the server what REST says', async () => {
    expect(await call('ServerLive')).toEqual({ live: true });
    expect(await call('ServerReady')).toEqual({ ready: true });
    expect(await call('ServerMetadata')).toEqual(await rest('/v2'));
  });

  it('says of a model what REST says, with 64-bit integers as the library reads them', async () => {
    const metadata = await call('ModelMetadata', { name: 'fraud' });
    expect(numbers(metadata)).toEqual(numbers({ ...(await rest('/v2/models/fraud')), properties: {} }));
    expect(metadata['versions']).toEqual(['3']);
    const { config } = await call('ModelConfig', { name: 'fraud', version: '3' });
    const { model_warmup: _, ...shown } = await rest('/v2/models/fraud/versions/3/config');
    expect(numbers(config)).toMatchObject(withoutUnsaid(shown));
    const statistics = numbers(await call('ModelStatistics', { name: 'fraud' }));
    expect(statistics).toEqual(await rest('/v2/models/fraud/stats'));
    expect(statistics).toMatchObject({ model_stats: [{ name: 'fraud', version: '3', inference_count: 2, execution_count: 1 }] });
    expect(numbers(await call('ModelStatistics'))).toEqual(await rest('/v2/models/stats'));
  });

  it('knows which model is ready', async () => {
    expect(await call('ModelReady', { name: 'fraud' })).toEqual({ ready: true });
    expect(await call('ModelReady', { name: 'fraud', version: '3' })).toEqual({ ready: true });
    const other = await TestGateway.open();
    const leaving = await TestGrpc.open(other);
    other.core.apply(snapshotOf(instances, [linear], undefined, { suspended: true }));
    expect((await leaving.call(inference('ModelReady'), { name: 'fraud' })).message).toEqual({ ready: false });
    other.core.startDraining();
    expect((await leaving.call(inference('ServerReady'), {})).message).toEqual({ ready: false });
    leaving.close();
    await other.close();
  });

  it('lists the repository, and only what is ready where that is asked for', async () => {
    const index = Object.values(await rest('/v2/repository/index', 'POST'));
    expect(await call('RepositoryIndex')).toEqual({ models: index });
    expect(await call('RepositoryIndex', { ready: true })).toEqual({ models: [{ name: 'fraud', version: '3', state: 'READY', reason: '' }] });
  });

  it('shows its settings, and takes a change that changes nothing', async () => {
    const level = { value: ['OFF'] };
    expect(await call('TraceSetting', { settings: { trace_level: level, trace_rate: {} }, model_name: 'fraud' })).toMatchObject({
      settings: { trace_level: level, trace_rate: { value: ['1000'] } },
    });
    const log = await call('LogSettings', { settings: { log_verbose_level: { uint32_param: 0 }, log_format: { string_param: 'default' } } });
    expect(log).toMatchObject({
      settings: { log_info: { bool_param: true }, log_verbose_level: { uint32_param: 0 }, log_file: { string_param: '' } },
    });
  });

  it('has no shared memory', async () => {
    for (const kind of ['System', 'Cuda']) {
      expect(await call(`${kind}SharedMemoryStatus`)).toEqual({ regions: {} });
      expect(await call(`${kind}SharedMemoryUnregister`, { name: 'r' })).toEqual({});
    }
  });

  it.each<{ method: string; message: Message; code: string; says: string }>([
    { method: 'ModelMetadata', message: { name: 'nobody' }, code: 'NOT_FOUND', says: 'there is no deployment named "nobody"' },
    { method: 'ModelReady', message: { name: 'nobody' }, code: 'NOT_FOUND', says: 'there is no deployment named "nobody"' },
    { method: 'ModelConfig', message: { name: 'fraud', version: '9' }, code: 'NOT_FOUND', says: 'version 9 of "fraud" is not served here' },
    { method: 'ModelStatistics', message: { name: 'fraud', version: 'new' }, code: 'NOT_FOUND', says: 'version "new" of "fraud" is not served here' },
    { method: 'RepositoryIndex', message: { repository_name: 'mine' }, code: 'UNIMPLEMENTED', says: 'leave repository_name empty' },
    { method: 'RepositoryModelLoad', message: { model_name: 'fraud' }, code: 'UNIMPLEMENTED', says: 'cannot load or unload' },
    {
      method: 'RepositoryModelLoad',
      message: { model_name: 'fraud', parameters: { 'file:1/model.onnx': { bytes_param: Buffer.of(1) } } },
      code: 'UNIMPLEMENTED',
      says: 'upload it as a new version',
    },
    {
      method: 'RepositoryModelLoad',
      message: { model_name: 'fraud', parameters: { config: { int64_param: 1 } } },
      code: 'INVALID_ARGUMENT',
      says: 'the parameter "config" must be',
    },
    {
      method: 'RepositoryModelUnload',
      message: { model_name: 'fraud', parameters: { other: { bool_param: true } } },
      code: 'INVALID_ARGUMENT',
      says: 'unknown parameter "other"',
    },
    {
      method: 'SystemSharedMemoryRegister',
      message: { name: 'r', key: '/r', byte_size: 64 },
      code: 'UNIMPLEMENTED',
      says: 'shared memory is not supported',
    },
    { method: 'CudaSharedMemoryRegister', message: { name: 'r' }, code: 'UNIMPLEMENTED', says: 'shared memory is not supported' },
    {
      method: 'TraceSetting',
      message: { settings: { trace_level: { value: ['TIMESTAMPS'] } } },
      code: 'UNIMPLEMENTED',
      says: 'cannot be changed while the server runs',
    },
    { method: 'TraceSetting', message: { model_name: 'nobody' }, code: 'NOT_FOUND', says: 'there is no deployment named "nobody"' },
    { method: 'LogSettings', message: { settings: { nothing: { bool_param: true } } }, code: 'INVALID_ARGUMENT', says: 'unknown setting "nothing"' },
    { method: 'LogSettings', message: { settings: { log_info: { bool_param: false } } }, code: 'UNIMPLEMENTED', says: 'cannot be changed' },
  ])('$method refuses: $says', async ({ method, message, code, says }) => {
    const failure = await failureOf(grpc.call(inference(method), message));
    expect(failure.code).toBe(code);
    expect(failure.details).toContain(says);
  });

  it.each([
    { name: 'bytes that are no message', bytes: Buffer.alloc(64, 0xff), code: 'INVALID_ARGUMENT' },
    { name: '10 000 groups in each other', bytes: Buffer.alloc(10_000, 0x0b), code: 'INVALID_ARGUMENT' },
    { name: 'a length beyond the end', bytes: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f]), code: 'INVALID_ARGUMENT' },
    { name: 'a message of more than a megabyte', bytes: Buffer.alloc(1024 * 1024 + 1), code: 'RESOURCE_EXHAUSTED' },
  ])('refuses $name', async ({ bytes, code }) => {
    for (const method of ['ModelMetadata', 'RepositoryModelLoad', 'TraceSetting']) {
      expect((await failureOf(grpc.callRaw(inference(method), bytes))).code).toBe(code);
    }
  });
});

/** 64-bit integers, which the library gives as texts, as numbers. */
function numbers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numbers);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, isText(key) ? each : numbers(each)]));
  return typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
}

/** Fields that are texts although they look like numbers. */
function isText(key: string): boolean {
  return key === 'version' || key === 'string_value';
}

/** What the protocol's message has no field for. */
function withoutUnsaid(config: Message): Message {
  return JSON.parse(JSON.stringify(config, (key, value: unknown) => (key === 'secondary_devices' ? undefined : value)));
}
