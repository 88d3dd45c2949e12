import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InferCall, type InferReply, InstanceClient, type InstanceSpec } from '@slipway/inference';
import { waitUntil } from '@slipway/inference/testing';

/** The built programs: a test of the instance runs what users run. */
export function builtProgram(name: 'instance' | 'inspect'): string {
  const path = fileURLToPath(new URL(`../../../dist/${name}/main.js`, import.meta.url));
  if (!existsSync(path)) throw new Error('the worker is not built: run "npm run build" first');
  return path;
}

export interface TestInstance {
  child: ChildProcess;
  readonly client: InstanceClient;
  readonly spec: InstanceSpec;
  /** Sends an OIP body as a live request and waits for the reply. */
  infer(body: string | Buffer, call?: Partial<InferCall>): Promise<InferReply>;
  /** Starts the program again in place, on the same spec and socket. */
  restart(): void;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

export type SpecParts = Pick<InstanceSpec, 'signature'> & Partial<InstanceSpec>;

/** Starts the real instance program on a model and connects as its worker; does not wait for READY. */
export function startInstance(model: Buffer, parts: SpecParts): TestInstance {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-ins-'));
  const spec = makeSpec(folder, parts);
  writeFileSync(spec.modelPath, model);
  writeFileSync(join(folder, 'spec.json'), JSON.stringify(spec));
  const start = (): ChildProcess => spawn(process.execPath, [builtProgram('instance'), join(folder, 'spec.json')], { stdio: 'ignore' });
  const client = new InstanceClient({ address: `unix:${spec.socketPath}`, role: 'worker', reconnect: true });
  const infer = (body: string | Buffer, call: Partial<InferCall> = {}): Promise<InferReply> =>
    new Promise((resolve) => {
      const whole = { predictionId: 'prd_1', deadlineMs: 10_000, priority: 0, kind: 'live' as const, modelName: 'fraud', ...call };
      client.infer({ ...whole, body: Buffer.from(body) }, resolve);
    });
  const instance: TestInstance = {
    child: start(),
    client,
    spec,
    infer,
    restart: () => {
      instance.child = start();
    },
    stop: async () => {
      client.close();
      instance.child.kill('SIGKILL');
      await waitUntil(() => instance.child.exitCode !== null || instance.child.signalCode !== null, 'the instance ends');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return instance;
}

/** Starts an instance and waits until it is READY. */
export async function readyInstance(model: Buffer, parts: SpecParts): Promise<TestInstance> {
  const instance = startInstance(model, parts);
  await waitUntil(() => instance.client.state === 'READY', 'the instance is ready');
  return instance;
}

function makeSpec(folder: string, parts: SpecParts): InstanceSpec {
  return {
    protocol: 1,
    instanceId: 'ins_1',
    projectId: 'prj_1',
    deploymentId: 'dep_1',
    deploymentName: 'fraud',
    revisionId: 'rev_1',
    revisionNumber: 2,
    versionId: 'ver_1',
    modelName: 'fraud-model',
    versionNumber: 3,
    digest: '0'.repeat(64),
    modelPath: join(folder, 'model.onnx'),
    socketPath: join(folder, 'socket'),
    spoolFolder: join(folder, 'spool'),
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching: { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
    limits: { maxQueue: 64, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    records: { enabled: true, maxPerSecond: 500, maxRowsPerRequest: 4 },
    ...parts,
  };
}
