import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { messageOf } from '@slipway/contracts';
import type { InstanceFact } from '@slipway/deployments';
import { InstanceClient, type InstancePong } from '@slipway/inference';
import type { Logger } from '@slipway/platform';
import { decideRestart } from './decide-restart.js';
import type { InstancePaths } from './instance-paths.js';
import { readLastWords } from './last-words.js';
import { type InstanceIdentity, type ProcessRecord, writeJson } from './process-record.js';
import { isAlive, processPollMs, residentBytes, setLoadingPriority, signalProcess, startTimeOf } from './process-table.js';
import { afterLook, isHanging, lookEveryMs, type Silence } from './silence.js';

/** A load that takes longer is given up. */
const loadLimitMs = 240_000;
/** Between telling gateways to look elsewhere and telling the instance to end: what is on its way still arrives. */
const lingerMs = 300;
const socketPollMs = 10;
const logBytesMax = 1024 * 1024;

export interface InstanceLimits {
  readonly deadlineMs?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
}

export interface Surroundings {
  /** The instance program's file. */
  readonly program: string;
  readonly paths: InstancePaths;
  readonly defaultDeadlineMs: number;
  readonly log: Logger;
  /** Takes every change of fact; must not throw. */
  readonly report: (identity: InstanceIdentity, fact: InstanceFact) => void;
}

type Phase = 'preparing' | 'loading' | 'ready' | 'stopping' | 'ended';

/** What it is in the end: gone by wish, failed, or to be started again by the next worker. */
type Ending = 'GONE' | 'FAILED' | 'ASSIGNED';

/**
 * One instance on this host, through all its processes: spawns it apart from the worker, so that it outlives it; watches, restarts in place,
 * and ends it. Needs no database; facts go to `report`.
 */
export class InstanceProcess {
  readonly ended: Promise<void>;
  private resolveEnded: () => void = () => undefined;
  private current: Phase = 'preparing';
  private ending: Ending = 'GONE';
  private process: { readonly pid: number; readonly startTime: string } | undefined;
  private client: InstanceClient | undefined;
  private lastPong: InstancePong | undefined;
  private restarts: number;
  private hasBeenReady = false;
  /** This process, not an earlier one under the same row. */
  private isProven = false;
  private readonly deathsMs: number[] = [];
  private reason: string | undefined;
  private deathReason: string | undefined;
  private spawnedAtMs = 0;
  private logFrom = 0;
  private silence: Silence = { lookedAtMs: 0, silentMs: 0 };
  private answered = true;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    readonly identity: InstanceIdentity,
    private readonly limits: InstanceLimits,
    private readonly around: Surroundings,
    restarts = 0,
  ) {
    this.restarts = restarts;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }

  get phase(): Phase {
    return this.current;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What it last told about itself. */
  get pong(): InstancePong | undefined {
    return this.lastPong;
  }

  /** Starts it once `prepare` has put the model file and the spec in place. */
  async start(prepare: () => Promise<void>): Promise<void> {
    this.tell('LOADING');
    try {
      await prepare();
    } catch (error) {
      this.end('FAILED', messageOf(error));
      return;
    }
    if (this.current === 'preparing') this.spawn();
  }

  /** Takes over a process that an earlier worker started. */
  adopt(record: ProcessRecord): void {
    this.current = 'loading';
    this.process = { pid: record.pid, startTime: record.startTime };
    this.hasBeenReady = record.hasBeenReady;
    this.isProven = record.hasBeenReady;
    this.spawnedAtMs = performance.now();
    const { pid, startTime } = record;
    this.every(processPollMs, () => {
      if (!isAlive(pid, startTime)) this.exited('it ended');
    });
    this.watch();
  }

  /**
   * Ends it: no new requests, those inside are answered, then SIGTERM; SIGKILL after `graceMs`.
   * @param ending what the row says afterwards.
   */
  stop(graceMs: number, ending: Ending = 'GONE'): Promise<void> {
    if (this.current === 'ended' || this.current === 'stopping') return this.ended;
    const wasServing = this.current === 'ready';
    this.current = 'stopping';
    this.ending = ending;
    const { process } = this;
    if (process === undefined) {
      this.end(ending);
      return this.ended;
    }
    this.tell('DRAINING');
    this.client?.drain();
    this.after(wasServing ? Math.min(lingerMs, graceMs / 4) : 0, () => signalProcess(process.pid, 'SIGTERM'));
    this.after(graceMs, () => signalProcess(process.pid, 'SIGKILL'));
    return this.ended;
  }

  /** Forgets it without touching the process: another worker is in charge. */
  abandon(): void {
    this.clear();
    this.current = 'ended';
    this.resolveEnded();
  }

  private spawn(): void {
    const { paths, program, log } = this.around;
    rmSync(paths.socket, { force: true });
    const output = openSync(paths.log, 'a', 0o600);
    if (fstatSync(output).size > logBytesMax) ftruncateSync(output);
    this.logFrom = fstatSync(output).size;
    // No environment: an instance needs none, and the worker's holds secrets.
    const child = spawn(process.execPath, [program, paths.spec], { detached: true, stdio: ['ignore', output, output], env: {} });
    closeSync(output);
    child.unref();
    child.once('error', (error) => this.exited(messageOf(error)));
    this.current = 'loading';
    this.isProven = false;
    this.spawnedAtMs = performance.now();
    if (child.pid === undefined) return;
    child.once('exit', (code, signal) => this.exited(signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`));
    this.process = { pid: child.pid, startTime: startTimeOf(child.pid) ?? '' };
    setLoadingPriority(child.pid, true);
    log.info(
      { instance: this.identity.instanceId, deployment: this.identity.deploymentName, pid: child.pid, restarts: this.restarts },
      'instance started',
    );
    this.remember();
    this.tell('LOADING');
    this.watch();
  }

  private watch(): void {
    const poll = this.every(socketPollMs, () => {
      if (!existsSync(this.around.paths.socket)) return;
      this.cancel(poll);
      this.connect();
    });
    this.silence = { lookedAtMs: performance.now(), silentMs: 0 };
    this.answered = true;
    this.every(lookEveryMs, () => this.look());
  }

  private connect(): void {
    const client = new InstanceClient({ address: this.address, role: 'worker', reconnect: true });
    this.client = client;
    client.on('failed', (reason) => {
      this.deathReason = reason;
    });
    client.on('state', (state) => {
      if (client !== this.client) return;
      if (client.hello !== undefined && client.hello.instanceId !== this.identity.instanceId) this.kill('another instance answered at its address');
      else if (state === 'READY') this.becomeReady();
    });
  }

  private becomeReady(): void {
    if (this.process === undefined || this.current !== 'loading') return;
    this.current = 'ready';
    this.isProven = true;
    this.hasBeenReady = true;
    setLoadingPriority(this.process.pid, false);
    this.remember();
    const durationMs = Math.round(performance.now() - this.spawnedAtMs);
    this.around.log.info({ instance: this.identity.instanceId, deployment: this.identity.deploymentName, durationMs }, 'instance ready');
    this.tell('READY');
  }

  /** The look at a process from outside: inside it, a run blocks everything. */
  private look(): void {
    const { process } = this;
    if (process === undefined || this.current === 'stopping') return;
    const nowMs = performance.now();
    this.silence = afterLook(this.silence, this.answered, nowMs);
    this.answered = false;
    this.client?.ping(lookEveryMs * 5).then(
      (pong) => {
        this.answered = true;
        this.lastPong = pong;
      },
      () => undefined,
    );
    const longestMs = Math.max(this.limits.deadlineMs ?? 0, this.around.defaultDeadlineMs);
    if (!this.isProven && nowMs - this.spawnedAtMs > loadLimitMs) this.kill(`it was not ready after ${loadLimitMs / 1000} s`);
    else if (this.isProven && isHanging(this.silence, longestMs)) this.kill(`it has not answered for ${Math.round(this.silence.silentMs / 1000)} s`);
    else this.lookAtMemory(process.pid);
  }

  private lookAtMemory(pid: number): void {
    const limit = this.limits.memoryLimitBytes;
    if (limit === undefined) return;
    const used = residentBytes(pid);
    if (used !== undefined && used > limit) this.kill(`it used ${mebibytes(used)} MiB of memory; its limit is ${mebibytes(limit)} MiB`);
  }

  private kill(reason: string): void {
    if (this.process === undefined) return;
    this.deathReason ??= reason;
    signalProcess(this.process.pid, 'SIGKILL');
  }

  private exited(how: string): void {
    if (this.current === 'ended') return;
    const words = readLastWords(this.around.paths.log, this.logFrom);
    const reason = this.deathReason ?? (words === undefined ? how : `${how}; its last words: ${words}`);
    this.clear();
    this.process = undefined;
    this.deathReason = undefined;
    if (this.current === 'stopping') {
      this.end(this.ending);
      return;
    }
    const nowMs = performance.now();
    this.deathsMs.push(nowMs);
    const decision = decideRestart(this.deathsMs, this.hasBeenReady, nowMs);
    this.around.log.warn(
      { instance: this.identity.instanceId, deployment: this.identity.deploymentName, reason, decision: decision.kind },
      'instance died',
    );
    if (decision.kind === 'fail') {
      this.end('FAILED', reason);
      return;
    }
    this.restarts += 1;
    this.reason = reason;
    this.current = 'loading';
    if (decision.afterMs === 0) this.spawn();
    else this.after(decision.afterMs, () => this.spawn());
  }

  private end(ending: Ending, reason?: string): void {
    this.clear();
    this.current = 'ended';
    this.reason = reason;
    const { paths } = this.around;
    for (const path of [paths.process, paths.spec, paths.socket]) rmSync(path, { force: true });
    if (ending === 'GONE') rmSync(paths.log, { force: true });
    this.tell(ending);
    this.resolveEnded();
  }

  private tell(status: InstanceFact['status']): void {
    const isThere = this.process !== undefined && this.current !== 'ended';
    this.around.report(this.identity, {
      status,
      address: isThere ? this.address : undefined,
      pid: isThere ? this.process?.pid : undefined,
      restarts: this.restarts,
      reason: this.reason,
    });
  }

  private remember(): void {
    if (this.process === undefined) return;
    const record: ProcessRecord = {
      instanceId: this.identity.instanceId,
      ...this.process,
      restarts: this.restarts,
      hasBeenReady: this.hasBeenReady,
      ...this.limits,
    };
    writeJson(this.around.paths.process, record);
  }

  private get address(): string {
    return `unix:${this.around.paths.socket}`;
  }

  private every(ms: number, run: () => void): NodeJS.Timeout {
    const timer = setInterval(run, ms);
    this.timers.add(timer);
    return timer;
  }

  private after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      run();
    }, ms);
    this.timers.add(timer);
  }

  private cancel(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.timers.delete(timer);
  }

  private clear(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    const { client } = this;
    this.client = undefined;
    client?.removeAllListeners();
    client?.close();
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
