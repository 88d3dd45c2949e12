import { existsSync } from 'node:fs';
import { limits } from '@slipway/contracts';
import { InstanceClient, type InstanceHello, type InstancePong } from '@slipway/inference';
import { isAlive, isStopCheap, isStopped, processPollMs } from './process-table.js';
import { reasonToKill } from './reason-to-kill.js';
import { afterLook, lookEveryMs, type Silence } from './silence.js';
import { Timers } from './timers.js';

const socketPollMs = 10;
/**
 * How long an instance may be silent and well. It ends its own runs when they pass their deadlines, so this is about what that does not see. A
 * model that runs in line keeps its process silent during a run, for as long as any caller may state.
 */
const longestBlockMs = limits.deadlineMsMax;
/** The system closes a process's connections a moment before it is gone. */
const goneAfterCloseMs = 5;

export interface WatchedProcess {
  readonly instanceId: string;
  readonly pid: number;
  readonly startTime: string;
  readonly socket: string;
  /** It has been ready; before that, loading may take long. */
  readonly isProven: boolean;
  /** A child tells its parent when it ends; any other process has to be looked for. */
  readonly isChild: boolean;
}

export interface WatchEvents {
  /** It has loaded its model, and says so. */
  readonly onReady: (hello: InstanceHello | undefined) => void;
  /** It said why it cannot load its model; its end follows. */
  readonly onFailed: (reason: string) => void;
  /** It must be ended, and why. */
  readonly onReason: (reason: string) => void;
  /** It is not there any more; not told of a child. */
  readonly onGone: () => void;
}

/** One process of an instance, seen from outside: inside it, a run may block everything. */
export class ProcessWatch {
  private client: InstanceClient | undefined;
  private lastPong: InstancePong | undefined;
  private isProven: boolean;
  private readonly startedAtMs = performance.now();
  private silence: Silence = { lookedAtMs: this.startedAtMs, silentMs: 0 };
  private standstill: Silence = this.silence;
  private answered = true;
  private wasStopped = false;
  private readonly timers = new Timers();

  constructor(
    private readonly watched: WatchedProcess,
    private readonly events: WatchEvents,
  ) {
    this.isProven = watched.isProven;
    const poll = this.timers.every(socketPollMs, () => {
      if (!existsSync(watched.socket)) return;
      this.timers.cancel(poll);
      this.connect();
    });
    this.timers.every(lookEveryMs, () => this.look());
    if (!watched.isChild) this.timers.every(processPollMs, () => this.checkPresence());
  }

  get ageMs(): number {
    return performance.now() - this.startedAtMs;
  }

  /** What it last told about itself. */
  get pong(): InstancePong | undefined {
    return this.lastPong;
  }

  /** Tells it that it will be stopped. */
  drain(): void {
    this.client?.drain();
  }

  close(): void {
    this.timers.clear();
    const { client } = this;
    this.client = undefined;
    client?.removeAllListeners();
    client?.close();
  }

  private connect(): void {
    const client = new InstanceClient({ address: `unix:${this.watched.socket}`, role: 'worker', reconnect: true });
    this.client = client;
    client.on('failed', (reason) => this.events.onFailed(reason));
    client.on('close', () => {
      if (!this.watched.isChild) this.timers.after(goneAfterCloseMs, () => this.checkPresence());
    });
    client.on('state', (state) => {
      if (client !== this.client) return;
      if (client.hello !== undefined && client.hello.instanceId !== this.watched.instanceId) {
        this.events.onReason('another instance answered at its address');
      } else if (state === 'READY') {
        this.isProven = true;
        this.events.onReady(client.hello);
      }
    });
  }

  private checkPresence(): void {
    if (!isAlive(this.watched.pid, this.watched.startTime)) this.events.onGone();
  }

  private look(): void {
    const nowMs = performance.now();
    this.silence = afterLook(this.silence, this.answered, nowMs);
    const isStill = (isStopCheap || !this.answered) && isStopped(this.watched.pid);
    this.standstill = afterLook(this.standstill, !(isStill && this.wasStopped), nowMs);
    this.wasStopped = isStill;
    this.answered = false;
    this.client?.ping(lookEveryMs * 5).then(
      (pong) => {
        this.answered = true;
        this.lastPong = pong;
      },
      () => undefined,
    );
    const reason = reasonToKill({
      isProven: this.isProven,
      ageMs: this.ageMs,
      silence: this.silence,
      stoppedMs: this.standstill.silentMs,
      longestBlockMs,
    });
    if (reason !== undefined) this.events.onReason(reason);
  }
}
