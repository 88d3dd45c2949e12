import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { isPong, pingMessage } from '@slipway/platform';
import { z } from 'zod';
import { countDeath, restartDelayMs } from './backoff.js';
import { afterAsking, askEveryMs, type Hearing, isDeaf } from './hearing.js';
import type { PidFiles } from './pid-files.js';

/** One program of the family. */
export interface ChildPlan {
  readonly name: string;
  /** Script and its arguments, run by this Node. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
}

/** Bodies that wait outlive the small collections; with a little room for them the full ones become rare (docs/decisions/007). */
const nodeFlags = ['--enable-source-maps', '--initial-old-space-size=64'];
const Ready = z.object({ kind: z.literal('ready'), port: z.number().int().optional() });
const readyWithinMs = 90_000;
const startAttempts = 3;

/** Keeps one program running: starts it, waits for its word that it is ready, starts it again when it dies or falls silent. */
export class Child {
  private process: ChildProcess | undefined;
  private deaths = 0;
  private wanted = false;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    private plan: ChildPlan,
    private readonly pidFiles: PidFiles,
    private readonly notice: (sentence: string) => void,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  get env(): ChildPlan['env'] {
    return this.plan.env;
  }

  /**
   * Starts it and resolves with its port once it is ready.
   * @throws SlipwayError START_REFUSED with the end of its log when it dies three times before that.
   */
  async start(): Promise<number> {
    this.wanted = true;
    for (let attempt = 1; ; attempt += 1) {
      const port = await this.launch();
      if (port !== undefined) return port;
      if (attempt === startAttempts || !this.wanted) throw await this.failure();
      await new Promise((resolve) => setTimeout(resolve, restartDelayMs(attempt)));
    }
  }

  /** Another environment from the next start on; the running process is asked to leave and comes back with it. */
  change(env: ChildPlan['env']): void {
    this.plan = { ...this.plan, env };
    this.process?.kill('SIGTERM');
  }

  /** Sends a message and waits for the answer of that kind. */
  async ask(message: { readonly kind: string; readonly token: string }, answerKind: string, withinMs: number): Promise<void> {
    const child = this.process;
    if (child?.connected !== true) throw new SlipwayError('INTERNAL', `${this.name} is not connected`);
    const signal = AbortSignal.timeout(withinMs);
    const answered = (async () => {
      for (;;) {
        const [answer]: unknown[] = await once(child, 'message', { signal });
        if (z.object({ kind: z.literal(answerKind) }).safeParse(answer).success) return;
      }
    })();
    child.send(message);
    await answered;
  }

  /** Asks it to finish what it does and end; resolves when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.wanted = false;
    clearTimeout(this.restart);
    const child = this.process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** One start. Resolves with the port when ready, with undefined when it died or stayed silent; later deaths lead to restarts. */
  private async launch(): Promise<number | undefined> {
    const startedAt = Date.now();
    const child = await this.spawn();
    this.process = child;
    if (!this.wanted) child.kill('SIGTERM');
    let isReady = false;
    const port = await new Promise<number | undefined>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), readyWithinMs);
      child.on('message', (message) => {
        const ready = Ready.safeParse(message);
        if (!ready.success || isReady) return;
        isReady = true;
        clearTimeout(timer);
        this.listenTo(child);
        resolve(ready.data.port ?? 0);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        resolve(undefined);
        if (isReady) this.onDeath(startedAt, signal ?? `exit code ${code}`);
        // One that dies before it is ready leaves no note of a process that is none.
        else void this.pidFiles.remove(this.name).catch(() => undefined);
      });
    });
    return port;
  }

  /** Asks it every second whether it is still there, and ends it when it is silent for too long. What it runs by itself goes on without it. */
  private listenTo(child: ChildProcess): void {
    let hearing: Hearing = { askedAtMs: performance.now(), silentMs: 0 };
    let answered = true;
    child.on('message', (message) => {
      if (isPong(message)) answered = true;
    });
    const timer = setInterval(() => {
      hearing = afterAsking(hearing, answered, performance.now());
      answered = false;
      if (isDeaf(hearing) && this.wanted) {
        clearInterval(timer);
        this.notice(`${this.name} does not answer any more; ending it.`);
        child.kill('SIGKILL');
      } else if (child.connected) {
        // A question that cannot be sent is one that is not answered.
        child.send(pingMessage, () => undefined);
      }
    }, askEveryMs);
    child.once('exit', () => clearInterval(timer));
  }

  private onDeath(startedAt: number, how: string): void {
    void this.pidFiles.remove(this.name).catch(() => undefined);
    if (!this.wanted) return;
    this.deaths = countDeath(this.deaths, Date.now() - startedAt);
    this.notice(`${this.name} ended (${how}); starting it again.`);
    this.scheduleRestart();
  }

  private scheduleRestart(): void {
    this.restart = setTimeout(() => {
      void this.relaunch();
    }, restartDelayMs(this.deaths));
  }

  private async relaunch(): Promise<void> {
    try {
      if ((await this.launch()) !== undefined) return this.notice(`${this.name} is back.`);
    } catch (error) {
      this.notice(`${this.name} cannot start: ${messageOf(error)}`);
    }
    if (!this.wanted) return;
    this.deaths += 1;
    this.scheduleRestart();
  }

  /**
   * Detached: Ctrl-C in the terminal must reach only the supervisor, which then stops its children in order. The log is a file, not a
   * pipe: a child outlives a killed supervisor long enough to finish its requests.
   */
  private async spawn(): Promise<ChildProcess> {
    const log = await open(this.plan.logFile, 'a', 0o640);
    try {
      const child = spawn(process.execPath, [...nodeFlags, ...this.plan.args], {
        cwd: this.plan.cwd,
        env: { ...this.plan.env },
        detached: true,
        stdio: ['ignore', log.fd, log.fd, 'ipc'],
      });
      child.on('error', () => undefined);
      await once(child, 'spawn');
      if (child.pid !== undefined) await this.pidFiles.write(this.name, child.pid);
      return child;
    } finally {
      await log.close();
    }
  }

  private async failure(): Promise<SlipwayError> {
    const tail = (await readFile(this.plan.logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-3).join('\n  ');
    return new SlipwayError('START_REFUSED', `The ${this.name} does not start; the end of ${this.plan.logFile} says:\n  ${tail}`);
  }
}
