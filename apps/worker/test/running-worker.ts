import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type DeploymentView, RevisionSpec, type Signature } from '@slipway/contracts';
import { DeploymentStore, RevisionStore, RollbackStore, RolloutStore } from '@slipway/deployments';
import { linearModel } from '@slipway/inference/testing';
import { newId, toJson } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { openArtefactStore } from '@slipway/registry';
import { MemoryGroups } from '../src/supervising/memory-groups.js';
import { listProcessRecords } from '../src/supervising/process-record.js';
import { isAlive as isSameProcess } from '../src/supervising/process-table.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
export const by = { projectId: 'prj_default', actor: 'key:test' };
const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };

/** A real worker process on a database and a home of its own, and the stores that wish things of it. */
export class RunningWorker {
  readonly deployments: DeploymentStore;
  readonly revisions: RevisionStore;
  readonly rollbacks: RollbackStore;
  readonly rollouts: RolloutStore;
  process: ChildProcess | undefined;

  private constructor(
    readonly database: TestDatabase,
    readonly home: string,
  ) {
    this.deployments = new DeploymentStore(database.db);
    this.revisions = new RevisionStore(database.db);
    this.rollbacks = new RollbackStore(database.db);
    this.rollouts = new RolloutStore(database.db);
  }

  static async open(): Promise<RunningWorker> {
    if (!existsSync(program)) throw new Error('the worker is not built: run "npm run build" first');
    const home = await mkdtemp(join(tmpdir(), 'slw-w-'));
    await mkdir(join(home, 'run'));
    return new RunningWorker(await testDatabase(), home);
  }

  get log(): string {
    return join(this.home, 'worker.log');
  }

  async start(settings: Record<string, string> = {}): Promise<void> {
    const output = openSync(this.log, 'a');
    const env = { PATH: '/usr/bin:/bin', SLIPWAY_HOME: this.home, SLIPWAY_WORKER_PORT: '0', DATABASE_URL: this.database.url, ...settings };
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', output, output, 'ipc'] });
    this.process = child;
    const died = once(child, 'exit').then(async ([code, signal]) => {
      throw new Error(`the worker died (${code ?? signal}): ${(await readFile(this.log, 'utf8')).slice(-4000)}`);
    });
    await Promise.race([once(child, 'message'), died]);
    died.catch(() => undefined);
  }

  /** Ends the worker as an operator would, or as a crash would. @returns ms until it was gone. */
  async end(signal: NodeJS.Signals): Promise<number> {
    const child = this.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return 0;
    const startedAt = performance.now();
    child.kill(signal);
    await once(child, 'exit');
    return performance.now() - startedAt;
  }

  async close(): Promise<void> {
    await this.end('SIGTERM');
    for (const { pid, startTime } of listProcessRecords(join(this.home, 'run'))) if (isSameProcess(pid, startTime)) process.kill(pid, 'SIGKILL');
    await this.removeGroups();
    await this.database.close();
    await rm(this.home, { recursive: true, force: true });
  }

  /** What a killed worker leaves in the system's tree of control groups when no other one follows. */
  private async removeGroups(): Promise<void> {
    const { groups } = MemoryGroups.open(this.home, totalmem());
    if (groups === undefined) return;
    const areGone = () => {
      groups.close();
      return !existsSync(groups.folder);
    };
    await waitFor(areGone, { what: 'the control groups of the ended instances to be removed' });
  }

  /** A model with READY versions 1 … n; version k answers x0 + 2·x1 + k. A version of `broken` is no model at all. */
  async addModel(name: string, files: readonly Buffer[] = [linearModel(1), linearModel(2)], signature: Signature = linear): Promise<void> {
    const { db } = this.database;
    const artefacts = openArtefactStore({ home: this.home });
    const modelId = newId('mdl');
    await db.model.create({ data: { id: modelId, projectId: by.projectId, name, nameFolded: name.toLowerCase(), nextVersion: files.length + 1 } });
    for (const [index, file] of files.entries()) {
      const staged = await artefacts.stage(Readable.from([file]), { maxBytes: 1e9 });
      await artefacts.commit(staged);
      await db.version.create({
        data: {
          id: newId('ver'),
          modelId,
          number: index + 1,
          status: 'READY',
          digest: staged.digest,
          sizeBytes: BigInt(staged.sizeBytes),
          signature: toJson(signature),
          createdBy: by.actor,
        },
      });
    }
  }

  view(name: string): Promise<DeploymentView> {
    return this.deployments.view(by.projectId, name);
  }

  /** Waits until the view of a deployment is as wished. */
  until(name: string, check: (view: DeploymentView) => boolean, what: string, timeoutMs = 15_000): Promise<DeploymentView> {
    return waitFor(
      async () => {
        const view = await this.view(name);
        if (check(view)) return view;
        throw new Error(
          JSON.stringify({ status: view.status, reason: view.statusReason, split: view.split, rollout: view.rollout, instances: view.instances }),
        );
      },
      { what, timeoutMs, everyMs: 20 },
    );
  }
}

export function serves(revision: number): (view: DeploymentView) => boolean {
  return (view) => view.status === 'READY' && view.split[0]?.revision === revision;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

export const spec = RevisionSpec.parse({ intraOpThreads: 1 });
