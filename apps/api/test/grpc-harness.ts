import { fileURLToPath } from 'node:url';
import { type ChannelCredentials, Client, type ClientOptions, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Logger } from '@slipway/platform';
import { GrpcGateway, type GrpcGatewayOptions } from '../src/gateway/grpc/grpc-gateway.js';
import type { TestGateway } from './gateway-harness.js';

/** Fields of a message as another library reads and writes them; 64-bit integers are texts. */
export type Message = Readonly<Record<string, unknown>>;

interface MethodDefinition {
  readonly path: string;
  readonly requestSerialize: (message: Message) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Message;
}

export const inference = serviceOf('inference', 'inference.GRPCInferenceService');
export const health = serviceOf('health', 'grpc.health.v1.Health');
export const reflection = { v1: reflectionOf('v1'), v1alpha: reflectionOf('v1alpha') };

function reflectionOf(version: string): (name: string) => MethodDefinition {
  return serviceOf(`reflection-${version}`, `grpc.reflection.${version}.ServerReflection`);
}

function serviceOf(file: string, service: string): (name: string) => MethodDefinition {
  const proto = fileURLToPath(new URL(`../../../libs/inference/proto/${file}.proto`, import.meta.url));
  const methods = loadSync(proto, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true })[service];
  return (name) => {
    const method: MethodDefinition | undefined = Reflect.get(methods ?? {}, name);
    if (method === undefined) throw new Error(`there is no method ${name}`);
    return method;
  };
}

/** An answer with all that came beside it. */
export interface Reply {
  readonly message: Message;
  readonly head: Metadata;
}

/** The gRPC side of a gateway with a client as anybody has one. */
export class TestGrpc {
  readonly client: Client;

  private constructor(
    readonly gateway: GrpcGateway,
    readonly port: number,
    channel: ChannelCredentials,
    clientOptions: ClientOptions,
  ) {
    const unbounded = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
    this.client = new Client(`localhost:${port}`, channel, { ...unbounded, ...clientOptions });
  }

  static async open(
    { core }: TestGateway,
    change: Partial<GrpcGatewayOptions> = {},
    channel = credentials.createInsecure(),
    clientOptions: ClientOptions = {},
  ): Promise<TestGrpc> {
    const gateway = new GrpcGateway({
      core,
      server: { serverName: 'slipway', serverVersion: '0.1.0' },
      admit: () => ({ ok: true, projectId: 'prj_default' }),
      isForeignHost: (host) => !/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host),
      log: silent,
      ...change,
    });
    return new TestGrpc(gateway, await gateway.listen(0, '127.0.0.1'), channel, clientOptions);
  }

  /** @throws ServiceError */
  call(method: MethodDefinition, message: Message, metadata?: Metadata, options: object = {}): Promise<Reply> {
    return this.callRaw(method, method.requestSerialize(message), metadata, options);
  }

  callRaw(method: MethodDefinition, bytes: Buffer, metadata?: Metadata, options: object = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let head: Metadata | undefined;
      const done = (error: ServiceError | null, answer?: Message) => {
        if (error !== null) reject(error);
        else if (answer !== undefined && head !== undefined) resolve({ message: answer, head });
      };
      const { path, responseDeserialize } = method;
      const args = [path, (value: Buffer) => value, responseDeserialize, bytes] as const;
      const call =
        metadata === undefined
          ? this.client.makeUnaryRequest(...args, options, done)
          : this.client.makeUnaryRequest(...args, metadata, options, done);
      call.on('metadata', (received) => {
        head = received;
      });
    });
  }

  infer(message: Message, metadata?: Metadata, options?: object): Promise<Reply> {
    return this.call(inference('ModelInfer'), message, metadata, options);
  }

  bidi(method: MethodDefinition, metadata?: Metadata, options: object = {}) {
    const { path, requestSerialize, responseDeserialize } = method;
    if (metadata === undefined) return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options);
    return this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
  }

  close(): void {
    this.client.close();
    this.gateway.close();
  }
}

/** The bytes of a ModelInferRequest. */
export function serialize(message: Message): Buffer {
  return inference('ModelInfer').requestSerialize(message);
}

/** The name of the status, the text, and what it carries, of a call that has to fail. */
export async function failureOf(reply: Promise<Reply>): Promise<{ code: string | undefined; details: string; error: unknown; retryAfter: unknown }> {
  try {
    await reply;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    const { code, details, metadata } = error;
    return { code: status[code], details, error: metadata.get('slipway-error')[0], retryAfter: metadata.get('retry-after')[0] };
  }
  throw new Error('the call did not fail');
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}

/** A request for the model `linear`, raw. */
export function linearRequest(values: readonly number[], more: Message = {}): Message {
  return {
    model_name: 'fraud',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [values.length / 2, 2] }],
    raw_input_contents: [Buffer.from(Float32Array.from(values).buffer)],
    ...more,
  };
}

/** A request that keeps its instance busy; about 5 000 turns take a millisecond. */
export function loopRequest(turns: number, more: Message = {}): Message {
  return { model_name: 'fraud', inputs: [{ name: 'turns', datatype: 'INT64', shape: [], contents: { int64_contents: [turns] } }], ...more };
}

/** The floats of the first raw output. */
export function floatsOf(message: Message): number[] {
  const raw = message['raw_output_contents'];
  const [bytes]: unknown[] = Array.isArray(raw) ? raw : [];
  if (!Buffer.isBuffer(bytes)) throw new Error('there are no raw contents');
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

const silent: Logger = Object.assign(Object.create(null), {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
});
