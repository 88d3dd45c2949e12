import { rmSync } from 'node:fs';
import { type InstanceFailureReason, messageOf } from '@slipway/contracts';
import { type InstanceFact, type InstanceSetup, noSetup } from '@slipway/deployments';
import type { InstanceHello, InstancePong } from '@slipway/inference';
import { warmUpBegins } from '../instance/engine/warm-up-begins.js';
import { type Death, decideRestart, remembered } from './decide-restart.js';
import { endOfLog, hasSaid, readLastWords } from './last-words.js';
import { LoadingPriority } from './loading-priority.js';
import { type GuardedProcess, guardAdopted, guardMemory, type MemoryGuard } from './memory-guard.js';
import { type InstanceIdentity, type ProcessRecord, readSpec, writeJson } from './process-record.js';
import { isAlive, preferAsVictim, signalProcess, startTimeOf } from './process-table.js';
import { ProcessWatch } from './process-watch.js';
import { type SpawnedInstance, spawnInstance } from './spawn-instance.js';
import type { Ending, InstanceLimits, Phase, Surroundings, UnwantedEnd } from './surroundings.js';
import { Timers } from './timers.js';

/** Between telling gateways to look elsewhere and telling the instance to end: what is on its way still arrives. */
const lingerMs = 300;

interface OwnProcess {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * One instance on this host, through all its processes: spawns it apart from the worker, so that it outlives it; watches, restarts in place,
 * and ends it. Needs no database; facts go to `report`.
 */
export class InstanceProcess {
  readonly ended: Promise<void>;
  private resolveEnded: () => void = () => undefined;
  private current: Phase = 'preparing';
  private ending: Ending = 'GONE';
  private process: OwnProcess | undefined;
  private watch: ProcessWatch | undefined;
  private memory: MemoryGuard | undefined;
  private priority: LoadingPriority | undefined;
  private setup: InstanceSetup = noSetup;
  private restarts: number;
  private hasBeenReady = false;
  /** This process, not an earlier one under the same row. */
  private isProven = false;
  private deaths: readonly Death[] = [];
  private reason: string | undefined;
  private deathReason: string | undefined;
  /** What is known of its kind before the process is gone. */
  private deathKind: InstanceFailureReason | undefined;
  private logFrom = 0;
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
    return this.watch?.pong;
  }

  get memoryLimitBytes(): number {
    return this.limits.memoryLimitBytes;
  }

  /** Threads that were given to it; undefined until its first process starts. */
  get threads(): number | undefined {
    return this.setup.threads;
  }

  /** Starts it once `prepare` has put the model file and the spec in place. */
  async start(prepare: () => Promise<void>): Promise<void> {
    this.tell('LOADING');
    try {
      await prepare();
    } catch (error) {
      // One that was stopped meanwhile is gone, not failed.
      if (this.current === 'preparing') this.giveUp(messageOf(error));
      return;
    }
    if (this.current === 'preparing') this.spawn();
  }

  /** Takes over a process that an earlier worker started. */
  adopt(record: ProcessRecord): void {
    this.current = 'loading';
    this.process = { pid: record.pid, startTime: record.startTime };
    this.hasBeenReady = record.hasBeenReady;
    this.isProven = record.isProven ?? record.hasBeenReady;
    this.reason = record.reason;
    // It may be in the middle of a restart; what was before is not known in detail.
    if (record.hasBeenReady && !this.isProven) this.deaths = [{ atMs: Number.NEGATIVE_INFINITY, wasReady: true }];
    this.memory = guardAdopted(record.memoryGroup, this.guarded(record.pid));
    this.describe({ threads: readSpec(this.around.paths.spec)?.session.intraOpThreads, threadsNote: record.threadsNote });
    this.watchProcess(this.process, false);
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
    this.watch?.drain();
    this.timers.after(wasServing ? Math.min(lingerMs, graceMs / 4) : 0, () => this.signal('SIGTERM'));
    this.timers.after(graceMs, () => this.signal('SIGKILL'));
    return this.ended;
  }

  /** Forgets it without touching the process: another worker is in charge. */
  abandon(): void {
    this.timers.clear();
    this.watch?.close();
    this.current = 'ended';
    this.resolveEnded();
  }

  private spawn(): void {
    const spawned = this.trySpawn();
    if (spawned === undefined) return;
    const { child, logFrom } = spawned;
    this.logFrom = logFrom;
    child.once('error', (error) => this.exited(messageOf(error)));
    if (child.pid === undefined) return;
    // First of all, while it is small: what it takes before is counted elsewhere.
    this.memory = guardMemory(this.around.groups, this.guarded(child.pid));
    preferAsVictim(child.pid);
    child.once('exit', (code, signal) =>
      this.exited(signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`, {
        exitCode: code ?? undefined,
        signal: signal ?? undefined,
      }),
    );
    this.process = { pid: child.pid, startTime: startTimeOf(child.pid) ?? '' };
    // One that served is missed by its callers; anything else can wait for those that serve.
    if (!this.hasBeenReady) this.priorityOf(child.pid).begin();
    this.describe({});
    const { instanceId, deploymentName } = this.identity;
    this.around.log.info({ instance: instanceId, deployment: deploymentName, pid: child.pid, restarts: this.restarts }, 'instance started');
    this.remember();
    this.tell('LOADING');
    this.watchProcess(this.process, true);
  }

  /** A start that fails (a full disk, no more processes) is a death like any other, and must not be this process's own. */
  private trySpawn(): SpawnedInstance | undefined {
    this.current = 'loading';
    this.isProven = false;
    try {
      this.takeThreads();
      return spawnInstance(this.around.program, this.around.paths);
    } catch (error) {
      this.exited(messageOf(error));
      return undefined;
    }
  }

  /** Anew for each process: the host's other instances may have come and gone since the last one. */
  private takeThreads(): void {
    const { identity, limits, around } = this;
    const { given, note } = around.shareThreads(identity.instanceId, limits.threadWish);
    const spec = readSpec(around.paths.spec);
    if (spec !== undefined) writeJson(around.paths.spec, { ...spec, session: { ...spec.session, intraOpThreads: given } });
    this.setup = { ...noSetup, threads: given, threadsNote: note };
  }

  private watchProcess(process: OwnProcess, isChild: boolean): void {
    const { identity, around } = this;
    this.watch = new ProcessWatch(
      {
        instanceId: identity.instanceId,
        ...process,
        socket: around.paths.socket,
        isProven: this.isProven,
        isChild,
      },
      {
        onReady: (hello) => this.becomeReady(hello),
        onFailed: (reason) => {
          this.deathReason = reason;
          this.deathKind = 'load_failed';
        },
        onReason: (reason) => {
          if (this.current !== 'stopping') this.kill(reason, this.isProven ? 'instance_hung' : this.kindOfUnproven());
        },
        onGone: () => this.exited('it ended'),
      },
    );
  }

  private becomeReady(hello: InstanceHello | undefined): void {
    if (this.process === undefined || this.current !== 'loading') return;
    this.current = 'ready';
    this.isProven = true;
    this.hasBeenReady = true;
    this.priorityOf(this.process.pid).end();
    this.describe({ provider: hello?.provider, providerNote: hello?.providerNote });
    // What was said while loading is not what a later death is about.
    this.logFrom = endOfLog(this.around.paths.log);
    this.remember();
    const durationMs = Math.round(this.watch?.ageMs ?? 0);
    this.around.log.info({ instance: this.identity.instanceId, deployment: this.identity.deploymentName, durationMs }, 'instance ready');
    this.tell('READY');
  }

  private priorityOf(pid: number): LoadingPriority {
    this.priority ??= new LoadingPriority(pid, this.timers);
    return this.priority;
  }

  private kill(reason: string, kind: InstanceFailureReason): void {
    if (this.process === undefined) return;
    this.deathReason ??= reason;
    this.deathKind ??= kind;
    this.signal('SIGKILL');
  }

  /** Numbers of processes are used again, so it must still be the one that was started. */
  private signal(name: NodeJS.Signals): void {
    if (this.process !== undefined && isAlive(this.process.pid, this.process.startTime)) signalProcess(this.process.pid, name);
  }

  private exited(how: string, status: Pick<UnwantedEnd, 'signal' | 'exitCode'> = { signal: undefined, exitCode: undefined }): void {
    if (this.current === 'ended') return;
    const reason = this.reasonOfDeath(how);
    const kind = this.kindOfDeath();
    this.clear();
    this.process = undefined;
    this.deathReason = undefined;
    this.deathKind = undefined;
    if (this.current === 'stopping') {
      this.end(this.ending);
      return;
    }
    const nowMs = performance.now();
    this.deaths = remembered([...this.deaths, { atMs: nowMs, wasReady: this.isProven }]);
    const decision = decideRestart(this.deaths, nowMs);
    const { instanceId, deploymentName } = this.identity;
    this.around.log.warn({ instance: instanceId, deployment: deploymentName, reason, failure: kind, ...decision }, 'instance died');
    this.tellFailure({ ...status, reason: kind, wasReady: this.isProven, restarts: decision.kind === 'restart', message: reason });
    if (decision.kind === 'fail') {
      this.end('FAILED', reason);
      return;
    }
    this.restarts += 1;
    this.reason = reason;
    this.current = 'loading';
    this.isProven = false;
    if (decision.afterMs === 0) {
      this.spawn();
      return;
    }
    this.tell('LOADING');
    this.timers.after(decision.afterMs, () => this.spawn());
  }

  /** Before there was any process. */
  private giveUp(reason: string): void {
    this.tellFailure({ reason: 'load_failed', signal: undefined, exitCode: undefined, wasReady: false, restarts: false, message: reason });
    this.end('FAILED', reason);
  }

  private tellFailure(end: Omit<UnwantedEnd, 'memoryLimitBytes'>): void {
    this.around.failed?.(this.identity, { ...end, memoryLimitBytes: this.limits.memoryLimitBytes });
  }

  private kindOfDeath(): InstanceFailureReason {
    if (this.memory?.reasonOfDeath() !== undefined) return 'oom_killed';
    return this.deathKind ?? (this.isProven ? 'instance_crashed' : this.kindOfUnproven());
  }

  /** An instance says when its model is loaded; what comes then is the warm-up. */
  private kindOfUnproven(): InstanceFailureReason {
    return hasSaid(this.around.paths.log, this.logFrom, warmUpBegins) ? 'warmup_failed' : 'load_failed';
  }

  private reasonOfDeath(how: string): string {
    const known = this.memory?.reasonOfDeath() ?? this.deathReason;
    if (known !== undefined) return known;
    const words = readLastWords(this.around.paths.log, this.logFrom);
    return words === undefined ? how : `${how}; its last words: ${words}`;
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
    // Between two processes the address stays: gateways keep trying it, and are there when the next one listens.
    const isThere = this.current === 'loading' || (this.process !== undefined && this.current !== 'ended');
    this.around.report(this.identity, {
      status,
      address: isThere ? this.around.address : undefined,
      pid: isThere ? this.process?.pid : undefined,
      restarts: this.restarts,
      reason: this.reason,
      setup: this.setup,
    });
  }

  private describe(found: Partial<InstanceSetup>): void {
    this.setup = { ...this.setup, memoryLimitBytes: this.limits.memoryLimitBytes, memoryLimitBy: this.memory?.by, ...found };
  }

  private remember(): void {
    if (this.process === undefined) return;
    const { memoryLimitBytes, memoryBytes, threadWish } = this.limits;
    const record: ProcessRecord = {
      instanceId: this.identity.instanceId,
      ...this.process,
      restarts: this.restarts,
      reason: this.reason,
      hasBeenReady: this.hasBeenReady,
      isProven: this.isProven,
      memoryLimitBytes,
      memoryBytes,
      memoryGroup: this.memory?.group,
      threadWish,
      threadsNote: this.setup.threadsNote,
    };
    try {
      writeJson(this.around.paths.process, record);
    } catch (error) {
      // It serves all the same; only the next worker cannot take it over.
      this.around.log.warn({ err: error, instance: this.identity.instanceId }, 'instance not noted down');
    }
  }

  private guarded(pid: number): GuardedProcess {
    const { instanceId } = this.identity;
    const { memoryLimitBytes: limitBytes, memoryBytes: expectedBytes } = this.limits;
    return { instanceId, pid, limitBytes, expectedBytes, onOver: (reason) => this.kill(reason, 'oom_killed'), log: this.around.log };
  }

  private clear(): void {
    this.timers.clear();
    this.watch?.close();
    this.watch = undefined;
    this.memory?.close();
    this.memory = undefined;
    this.priority = undefined;
  }
}
