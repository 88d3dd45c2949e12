import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, type Outcome } from '@slipway/contracts';
import { defaultInstanceLimits, type InferReply, type InferResult, InstanceClient, type InstanceSpec } from '@slipway/inference';
import type { PackedTensor, ReplayedVersion, RevisionSetup, TriedAnswer } from '@slipway/metrics';
import { type Logger, newId } from '@slipway/platform';
import { InstanceFolders, type InstancePaths } from '../supervising/instance-paths.js';
import { readLastWords } from '../supervising/last-words.js';
import { LoadingPriority } from '../supervising/loading-priority.js';
import { guardMemory, type MemoryGuard } from '../supervising/memory-guard.js';
import { writeJson } from '../supervising/process-record.js';
import { preferAsVictim, signalProcess, startTimeOf } from '../supervising/process-table.js';
import { type SpawnedInstance, spawnInstance } from '../supervising/spawn-instance.js';
import { Timers } from '../supervising/timers.js';
import { outputsOf, replayBodyOf } from './replay-wire.js';

export interface ReplayInstanceOptions {
  /** The built instance program. */
  readonly program: string;
  readonly home: string;
  readonly version: ReplayedVersion;
  readonly modelPath: string;
  readonly setup: Pick<RevisionSetup, 'outputRanges'>;
  readonly memoryLimitBytes: number;
  readonly loadLimitMs: number;
  readonly log: Logger;
}

/** An answer with the bits of its outputs. */
export interface ReplayAnswer extends TriedAnswer {
  readonly outputs: readonly PackedTensor[] | undefined;
  /** Why there is no answer. */
  readonly error: string | undefined;
}

interface ProcessParts {
  readonly folder: string;
  readonly paths: InstancePaths;
  readonly spawned: SpawnedInstance;
  readonly client: InstanceClient;
  readonly guard: MemoryGuard;
  readonly timers: Timers;
}

/** Of one request. A run that takes longer ends with its process. */
const deadlineMs = 60_000;
const endingMs = 5_000;

/** The process of an instance ended by itself. */
export class InstanceEnded extends Error {
  override readonly name = 'InstanceEnded';
}

/**
 * A version in a process of its own, for a replay alone: apart from every deployment, behind everything that serves, one thread, one request at
 * a time, no records. It ends with the replay; one whose worker is killed ends within a minute by itself, or when the next replay begins.
 */
export class ReplayInstance {
  private endedBecause: string | undefined;

  private constructor(
    private readonly options: ReplayInstanceOptions,
    private readonly parts: ProcessParts,
  ) {
    const { spawned, client } = parts;
    spawned.child.once('exit', (code, signal) => this.ended(signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`));
    client.once('failed', (reason) => this.ended(reason));
  }

  /**
   * Starts it and waits until it is ready.
   * @throws InstanceEnded when it does not become so; the signal's reason.
   */
  static async start(options: ReplayInstanceOptions, signal: AbortSignal): Promise<ReplayInstance> {
    const instanceId = newId('ins');
    const folder = join(replayFolder(options.home), instanceId);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const paths = {
      socket: new InstanceFolders(options.home).of(instanceId).socket,
      spec: join(folder, 'spec.json'),
      process: join(folder, 'process.json'),
      log: join(folder, 'log'),
      spool: join(folder, 'spool'),
    };
    writeJson(paths.spec, specOf(options, instanceId, paths));
    const spawned = spawnInstance(options.program, paths);
    const { pid } = spawned.child;
    // Why it could not be started is said by `error`.
    if (pid === undefined) throw new InstanceEnded(messageOf((await once(spawned.child, 'error'))[0]));
    writeJson(paths.process, { pid, startTime: startTimeOf(pid) ?? '', socket: paths.socket });
    preferAsVictim(pid);
    const timers = new Timers();
    // All its life, unless it would starve there.
    new LoadingPriority(pid, timers).begin();
    const client = new InstanceClient({ address: `unix:${paths.socket}`, role: 'worker', reconnect: true });
    const limit = { instanceId, pid, limitBytes: options.memoryLimitBytes, expectedBytes: undefined, log: options.log };
    const guard = guardMemory(undefined, { ...limit, onOver: (reason) => instance.kill(reason) });
    const instance = new ReplayInstance(options, { folder, paths, spawned, client, guard, timers });
    try {
      await instance.ready(signal);
      return instance;
    } catch (error) {
      await instance.close();
      throw error;
    }
  }

  /** Why it is gone; undefined while it is there. */
  get reason(): string | undefined {
    return this.endedBecause;
  }

  /** One request, alone. What goes wrong is in the answer. Rejects only with the signal's reason. */
  async ask(predictionId: string, inputs: readonly PackedTensor[], signal: AbortSignal): Promise<ReplayAnswer> {
    const reply = await this.infer(predictionId, inputs, signal);
    if (reply.kind === 'result') return answerOf(reply);
    if (reply.kind === 'gone') {
      await this.whenGone();
      return noAnswer('instance_crashed', `the version's process ended: ${this.endedBecause ?? 'its connection was lost'}`);
    }
    // A request that one version has answered and another one refuses is no mistake of its caller.
    return noAnswer(reply.code === 'DEADLINE_EXCEEDED' ? 'deadline_exceeded' : 'runtime_error', reply.message);
  }

  /** Ends the process and removes its files. */
  async close(): Promise<void> {
    const { child } = this.parts.spawned;
    this.parts.client.close();
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit', { signal: AbortSignal.timeout(endingMs) }).catch(() => undefined);
      signalProcess(child.pid, 'SIGKILL');
      await gone;
    }
    this.parts.timers.clear();
    this.parts.guard.close();
    rmSync(this.parts.folder, { recursive: true, force: true });
    rmSync(this.parts.paths.socket, { force: true });
  }

  private infer(predictionId: string, inputs: readonly PackedTensor[], signal: AbortSignal): Promise<InferReply> {
    const { headerBytes, body } = replayBodyOf(inputs);
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.parts.client.cancel(stream);
        reject(signal.reason);
      };
      const timer = setTimeout(() => this.kill(`a request took longer than ${deadlineMs / 1_000} s`), deadlineMs + endingMs);
      const call = {
        predictionId,
        deadlineMs,
        priority: 0,
        kind: 'shadow',
        modelName: this.options.version.modelName,
        observe: true,
        alone: true,
      } as const;
      const stream = this.parts.client.infer({ ...call, inferenceHeaderContentLength: headerBytes, body }, (reply) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        // Its memory is used again for the next answer.
        resolve(reply.kind === 'result' ? { ...reply, body: Buffer.from(reply.body) } : reply);
      });
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
  }

  private async ready(signal: AbortSignal): Promise<void> {
    const { options } = this;
    const { client } = this.parts;
    const limit = AbortSignal.timeout(options.loadLimitMs);
    while (client.state !== 'READY') {
      signal.throwIfAborted();
      if (this.endedBecause !== undefined) throw new InstanceEnded(this.endedBecause);
      if (limit.aborted) throw new InstanceEnded(`it did not load within ${options.loadLimitMs / 1_000} s`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  private kill(reason: string): void {
    this.endedBecause ??= reason;
    const { pid } = this.parts.spawned.child;
    if (pid !== undefined) signalProcess(pid, 'SIGKILL');
  }

  private ended(how: string): void {
    const words = readLastWords(this.parts.paths.log, this.parts.spawned.logFrom);
    this.endedBecause ??= this.parts.guard.reasonOfDeath() ?? (words === undefined ? how : `${how}; its last words: ${words}`);
  }

  /** The connection is lost a moment before the end of the process is known. */
  private async whenGone(): Promise<void> {
    const until = performance.now() + goneMs;
    while (this.endedBecause === undefined && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, pollMs));
    this.kill('its connection was lost');
  }
}

const pollMs = 10;
const goneMs = 1_000;

/** Where the instances of replays keep their files on this host. */
export function replayFolder(home: string): string {
  return join(home, 'replays');
}

function noAnswer(outcome: Outcome, error: string): ReplayAnswer {
  return { outcome, computeMicros: undefined, rows: 0, observed: undefined, outputs: undefined, error };
}

function answerOf(result: InferResult): ReplayAnswer {
  const invalid: Outcome = result.isOutOfRange ? 'out_of_range_output' : 'nan_output';
  return {
    outcome: result.invalidOutput ? invalid : 'success',
    computeMicros: result.computeMicros,
    rows: result.rows,
    observed: result.observed,
    outputs: outputsOf(result.body, result.inferenceHeaderContentLength),
    error: undefined,
  };
}

function specOf({ version, modelPath, setup }: ReplayInstanceOptions, instanceId: string, paths: InstancePaths): InstanceSpec {
  return {
    protocol: 1,
    instanceId,
    projectId: '',
    deploymentId: '',
    deploymentName: 'replay',
    revisionId: '',
    revisionNumber: 0,
    versionId: version.id,
    modelName: version.modelName,
    versionNumber: version.number,
    digest: version.digest,
    modelPath,
    socketPath: paths.socket,
    spoolFolder: paths.spool,
    signature: version.signature,
    ...(version.task === undefined ? {} : { task: version.task }),
    outputRanges: [...setup.outputRanges],
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    ...(version.runMs === undefined ? {} : { runMs: version.runMs }),
    batching: { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
    limits: defaultInstanceLimits,
    records: { enabled: false, maxPerSecond: 0, maxRowsPerRequest: 0 },
  };
}
