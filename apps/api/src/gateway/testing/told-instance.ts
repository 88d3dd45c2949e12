import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RoutingInstance } from '@slipway/deployments';
import { type FrameHeader, frameTypes, type IncomingRequest, InstanceServer } from '@slipway/inference';

/** An instance in this process that answers when it is told to, over a real connection. */
export class ToldInstance {
  /** What has arrived and has no answer, in order. */
  readonly held: IncomingRequest[] = [];
  readonly revisionId = 'rev_1';
  readonly target: RoutingInstance;
  private readonly server: InstanceServer;

  private constructor(private readonly folder: string) {
    const socketPath = join(folder, 's');
    this.target = { instanceId: 'ins_1', address: `unix:${socketPath}`, ready: true };
    this.server = new InstanceServer({
      socketPath,
      hello: { instanceId: 'ins_1', pid: 7, revisionId: this.revisionId },
      handlers: {
        onInfer: (request) => void this.held.push(request),
        onCancel: (_connection, stream) => this.drop(stream),
        onGone: () => undefined,
        onDrain: () => undefined,
        counters: () => {
          throw new Error('a gateway does not ask for counters');
        },
      },
    });
  }

  static async open(): Promise<ToldInstance> {
    const instance = new ToldInstance(mkdtempSync(join(tmpdir(), 'slipway-told-')));
    await instance.server.listen();
    instance.server.become('READY');
    return instance;
  }

  /** Answers what came first. */
  answer(header: FrameHeader = {}): void {
    const request = this.take();
    request.connection.send(frameTypes.RESULT, request.stream, { rows: 1, batchRows: 1, computeMicros: 100, ...header }, Buffer.from('{}'));
  }

  /** Refuses what came first as the caller's mistake. */
  refuse(): void {
    const request = this.take();
    request.connection.send(frameTypes.ERROR, request.stream, { errorCode: 'INFER_INVALID', status: 400 }, Buffer.from('no'));
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private take(): IncomingRequest {
    const request = this.held.shift();
    if (request === undefined) throw new Error('nothing is held');
    return request;
  }

  private drop(stream: number): void {
    const at = this.held.findIndex((request) => request.stream === stream);
    if (at !== -1) this.held.splice(at, 1);
  }
}
