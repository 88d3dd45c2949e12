import { existsSync, rmSync } from 'node:fs';
import { messageOf } from '@slipway/contracts';
import type { InstanceFact } from '@slipway/deployments';
import { InstanceClient, type InstancePong } from '@slipway/inference';
import { decideRestart } from './decide-restart.js';
import { readLastWords } from './last-words.js';
import { type InstanceIdentity, type ProcessRecord, writeJson } from './process-record.js';
import { isAlive, processPollMs, residentBytes, setLoadingPriority, signalProcess, startTimeOf } from './process-table.js';
import { reasonToKill } from './reason-to-kill.js';
import { afterLook, lookEveryMs, type Silence } from './silence.js';
import { type SpawnedInstance, spawnInstance } from './spawn-instance.js';
import type { Ending, InstanceLimits, Phase, Surroundings } from './surroundings.js';
import { Timers } from './timers.js';

/** Between telling gateways to look elsewhere and telling the instance to end: what is on its way still arrives. */
const lingerMs = 300;
const socketPollMs = 10;

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
  private readonly timers = new Timers();

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
      // One that was stopped meanwhile is gone, not failed.
      if (this.current === 'preparing') this.end('FAILED', messageOf(error));
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
    this.timers.every(processPollMs, () => {
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
    if (this.process === undefined) {
      this.end(ending);
      return this.ended;
    }
    this.tell('DRAINING');
    this.client?.drain();
    this.timers.after(wasServing ? Math.min(lingerMs, graceMs / 4) : 0, () => this.signal('SIGTERM'));
    this.timers.after(graceMs, () => this.signal('SIGKILL'));
    return this.ended;
  }

  /** Forgets it without touching the process: another worker is in charge. */
  abandon(): void {
    this.clear();
    this.current = 'ended';
    this.resolveEnded();
  }

  private spawn(): void {
    const { log } = this.around;
    const spawned = this.trySpawn();
    if (spawned === undefined) return;
    const { child, logFrom } = spawned;
    this.logFrom = logFrom;
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

  /** A start that fails (a full disk, no more processes) is a death like any other, and must not be this process's own. */
  private trySpawn(): SpawnedInstance | undefined {
    try {
      return spawnInstance(this.around.program, this.around.paths);
    } catch (error) {
      this.exited(messageOf(error));
      return undefined;
    }
  }

  private watch(): void {
    const poll = this.timers.every(socketPollMs, () => {
      if (!existsSync(this.around.paths.socket)) return;
      this.timers.cancel(poll);
      this.connect();
    });
    this.silence = { lookedAtMs: performance.now(), silentMs: 0 };
    this.answered = true;
    this.timers.every(lookEveryMs, () => this.look());
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
    const { deadlineMs = 0, memoryLimitBytes } = this.limits;
    const reason = reasonToKill({
      isProven: this.isProven,
      ageMs: nowMs - this.spawnedAtMs,
      silence: this.silence,
      longestDeadlineMs: Math.max(deadlineMs, this.around.defaultDeadlineMs),
      residentBytes: memoryLimitBytes === undefined ? undefined : residentBytes(process.pid),
      memoryLimitBytes,
    });
    if (reason !== undefined) this.kill(reason);
  }

  private kill(reason: string): void {
    if (this.process === undefined) return;
    this.deathReason ??= reason;
    this.signal('SIGKILL');
  }

  /** Numbers of processes are used again, so it must still be the one that was started. */
  private signal(name: NodeJS.Signals): void {
    if (this.process !== undefined && isAlive(this.process.pid, this.process.startTime)) signalProcess(this.process.pid, name);
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
    else this.timers.after(decision.afterMs, () => this.spawn());
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
    try {
      writeJson(this.around.paths.process, record);
    } catch (error) {
      // It serves all the same; only the next worker cannot take it over.
      this.around.log.warn({ err: error, instance: this.identity.instanceId }, 'instance not noted down');
    }
  }

  private get address(): string {
    return `unix:${this.around.paths.socket}`;
  }

  private clear(): void {
    this.timers.clear();
    const { client } = this;
    this.client = undefined;
    client?.removeAllListeners();
    client?.close();
  }
}
