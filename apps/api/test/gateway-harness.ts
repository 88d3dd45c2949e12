import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Signature, Task } from '@slipway/contracts';
import { buildSnapshot, type RoutingRows, type RoutingSnapshot } from '@slipway/deployments';
import { defaultInstanceLimits, type InstanceSpec } from '@slipway/inference';
import { linearModel, loopModel } from '@slipway/inference/testing';
import type { ServedRequest } from '@slipway/metrics';
import { Drain } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { GatewayCore, type GatewayOptions } from '../src/gateway/gateway-core.js';

const program = fileURLToPath(new URL('../../worker/dist/instance/main.js', import.meta.url));

const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };
const loop: Signature = { inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [] }] };

export interface InstanceSketch {
  readonly instanceId: string;
  readonly revision: number;
  /** `linear` answers x0 + 2·x1 + revision; `loop` takes as long as its input says. */
  readonly model: 'linear' | 'loop' | ModelSketch;
}

/** A model of a test's own. */
export interface ModelSketch {
  readonly file: Buffer;
  readonly signature: Signature;
  readonly task?: Task;
  /** Proven, so its requests are joined. */
  readonly rowsIndependent?: boolean;
}

/** Real instance processes, as a worker would start them. */
export class Instances {
  private readonly processes = new Map<string, ChildProcess>();

  private constructor(readonly folder: string) {}

  static async open(): Promise<Instances> {
    if (!existsSync(program)) throw new Error('the instance program is not built: run "npm run build" first');
    return new Instances(await mkdtemp(join(tmpdir(), 'slw-gw-')));
  }

  addressOf(instanceId: string): string {
    return `unix:${join(this.folder, `${instanceId}.sock`)}`;
  }

  /** Starts the process; also again, in place, after it was killed. */
  async start(sketch: InstanceSketch): Promise<void> {
    const { instanceId } = sketch;
    const folder = join(this.folder, instanceId);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'model.onnx'), modelOf(sketch).file);
    const specPath = join(folder, 'spec.json');
    await writeFile(specPath, JSON.stringify(this.specOf(sketch, folder)));
    const child = spawn(process.execPath, [program, specPath], { stdio: 'ignore' });
    this.processes.set(instanceId, child);
  }

  kill(instanceId: string): void {
    this.processes.get(instanceId)?.kill('SIGKILL');
  }

  async close(): Promise<void> {
    await Promise.all([...this.processes.values()].map(endProcess));
    await rm(this.folder, { recursive: true, force: true });
  }

  private specOf(sketch: InstanceSketch, folder: string): InstanceSpec {
    const { instanceId, revision } = sketch;
    const { signature, task, rowsIndependent } = modelOf(sketch);
    return {
      protocol: 1,
      instanceId,
      projectId: 'prj_default',
      deploymentId: 'dep_1',
      deploymentName: 'fraud',
      revisionId: `rev_${revision}`,
      revisionNumber: revision,
      versionId: `ver_${revision}`,
      modelName: 'fraud',
      versionNumber: revision,
      digest: 'sha256:00',
      modelPath: join(folder, 'model.onnx'),
      socketPath: join(this.folder, `${instanceId}.sock`),
      spoolFolder: join(folder, 'spool'),
      signature,
      task: task ?? null,
      session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
      batching: rowsIndependent === true ? { isOn: true, maxBatchSize: 64, maxDelayMs: 2 } : { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
      limits: defaultInstanceLimits,
      records: { enabled: true, maxPerSecond: 500, maxRowsPerRequest: 256 },
    };
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function modelOf({ model, revision }: InstanceSketch): ModelSketch {
  if (model === 'loop') return { file: loopModel(), signature: loop };
  if (model !== 'linear') return model;
  return { file: linearModel(revision), signature: linear, task: { kind: 'regression', predictionOutput: 'y', rowAxis: 0 } };
}

/** The snapshot of one deployment `fraud` whose revision `serves` has the traffic. */
export function snapshotOf(
  instances: Instances,
  sketches: readonly InstanceSketch[],
  serves: number | undefined,
  change: {
    readonly maxQueue?: number;
    readonly noisePercent?: number;
    readonly suspended?: boolean;
    readonly rollout?: RoutingRows['deployments'][number]['rollout'];
    readonly shadows?: RoutingRows['deployments'][number]['shadows'];
  } = {},
): RoutingSnapshot {
  const numbers = [...new Set(sketches.map((sketch) => sketch.revision))];
  const rows: RoutingRows = {
    deployments: [
      {
        deploymentId: 'dep_1',
        projectId: 'prj_default',
        name: 'fraud',
        status: 'READY',
        statusReason: null,
        suspended: change.suspended ?? false,
        wishKind: 'DEPLOY',
        desiredRevisionId: serves === undefined ? null : `rev_${serves}`,
        activeRevisionId: serves === undefined ? null : `rev_${serves}`,
        rollout: change.rollout ?? null,
        shadows: change.shadows ?? null,
      },
    ],
    revisions: numbers.map((number) => {
      const sketch = sketches.find(({ revision }) => revision === number);
      const { signature, task = null, rowsIndependent = null } = modelOf(sketch ?? { instanceId: '', revision: number, model: 'linear' });
      return {
        revisionId: `rev_${number}`,
        deploymentId: 'dep_1',
        number,
        versionId: `ver_${number}`,
        versionNumber: number,
        digest: 'sha256:00',
        modelName: 'fraud',
        signature,
        task,
        maxQueue: change.maxQueue ?? null,
        deadlineMs: null,
        rowsIndependent,
        noisePercent: change.noisePercent ?? null,
      };
    }),
    instances: sketches.map(({ instanceId, revision }) => ({
      instanceId,
      revisionId: `rev_${revision}`,
      address: instances.addressOf(instanceId),
      ready: true,
    })),
  };
  return buildSnapshot(rows);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Buffer;
}

/** A gateway on a real HTTP server, wired as the API wires it. */
export class TestGateway {
  readonly samples: ServedRequest[] = [];
  readonly core: GatewayCore;
  readonly server: Server;
  readonly drain: Drain;
  readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  port = 0;

  private constructor(change: Partial<GatewayOptions>) {
    this.core = new GatewayCore({
      serverName: 'slipway',
      serverVersion: '0.1.0',
      maxBodyBytes: 1024 * 1024,
      defaultDeadlineMs: 10_000,
      sink: { record: (sample) => void this.samples.push(sample) },
      admit: () => ({ ok: true, projectId: 'prj_default' }),
      ...change,
    });
    this.server = createServer({ keepAliveTimeout: 75_000 });
    this.drain = new Drain(this.server);
    this.server.on('checkContinue', (request, response) => {
      if (this.core.refuseByHead(request, response)) return;
      response.writeContinue();
      this.server.emit('request', request, response);
    });
    this.server.on('request', (request, response) => {
      if (!this.core.handle(request, response)) response.writeHead(418).end();
    });
  }

  static async open(change: Partial<GatewayOptions> = {}): Promise<TestGateway> {
    const gateway = new TestGateway(change);
    gateway.server.listen(0, '127.0.0.1');
    await once(gateway.server, 'listening');
    const address = gateway.server.address();
    gateway.port = typeof address === 'object' && address !== null ? address.port : 0;
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Waits until the revision can answer. */
  async untilReady(instancesReady: number): Promise<void> {
    const ready = () => [...this.core.routing.allLinks].filter((link) => link.isLive).length === instancesReady;
    await waitFor(ready, { what: `${instancesReady} ready instances`, timeoutMs: 20_000 });
  }

  send(method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port: this.port, method, path, headers, agent: this.agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const all = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: all.toString('utf8'), body: all });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  infer(body: string | Buffer = linearBody(1, 2), headers: Record<string, string> = {}, path = '/v2/models/fraud/infer'): Promise<Answer> {
    return this.send('POST', path, body, headers);
  }

  async close(): Promise<void> {
    this.agent.destroy();
    this.core.close();
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

export function linearBody(...values: number[]): string {
  return JSON.stringify({ inputs: [{ name: 'x', shape: [values.length / 2, 2], datatype: 'FP32', data: values }] });
}

/** A request that keeps its instance busy; about 5 000 turns take a millisecond. */
export function loopBody(turns: number): string {
  return JSON.stringify({ inputs: [{ name: 'turns', shape: [], datatype: 'INT64', data: [turns] }] });
}

/** Sends requests one after another on `lanes` connections until told to stop; gives every answer. */
export function underLoad(gateway: TestGateway, lanes: number): { stop(): Promise<readonly (Answer | Error)[]>; readonly count: number } {
  const answers: (Answer | Error)[] = [];
  let running = true;
  const lane = async () => {
    while (running) answers.push(await gateway.infer().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))));
  };
  const all = Promise.all(Array.from({ length: lanes }, lane));
  return {
    get count() {
      return answers.length;
    },
    stop: async () => {
      running = false;
      await all;
      return answers;
    },
  };
}

/** Those that were not answered with 200. */
export function failuresOf(answers: readonly (Answer | Error)[]): string[] {
  return answers.flatMap((answer) => {
    if (answer instanceof Error) return [answer.message];
    return answer.status === 200 ? [] : [`${answer.status} ${answer.text}`];
  });
}
