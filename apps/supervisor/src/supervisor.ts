import { randomBytes } from 'node:crypto';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { createQueueDriver, migrate, type Settings } from '@slipway/platform';
import { announce } from './announcement.js';
import { type BootstrapKey, ensureBootstrapKey } from './bootstrap-key.js';
import { Child } from './child.js';
import { ControlClient } from './control.client.js';
import { readExamples, registerExamples } from './examples.js';
import { asDiskFull, prepareHome } from './free-space.js';
import { type HomeLock, lockHome } from './home-lock.js';
import { boundLog, logFileOf } from './log-files.js';
import { endOrphanInstances } from './orphan-instances.js';
import { PidFiles } from './pid-files.js';
import { claimPorts } from './ports.js';
import { PostgresKeeper } from './postgres-keeper.js';
import { watchBuilds } from './watch-builds.js';
import { withoutSecrets } from './without-secrets.js';

type Env = Readonly<Record<string, string | undefined>>;

export interface SupervisorOptions {
  /** The checkout. */
  readonly root: string;
  /** Absolute path of SLIPWAY_HOME. */
  readonly home: string;
  readonly settings: Settings;
  /** Handed on to the children, with what the supervisor adds. */
  readonly env: Env;
  /** Restart API and worker when their compiled files change. */
  readonly watch: boolean;
  /** Receives every line for the person at the terminal. */
  readonly print: (line: string) => void;
}

const programs = [
  { name: 'api', script: 'apps/api/dist/main.js' },
  { name: 'worker', script: 'apps/worker/dist/main.js' },
  { name: 'console', script: 'apps/console/server.mjs' },
] as const;
const names = programs.map((program) => program.name);

/** Milliseconds after the stop was asked for; the whole must end within 5 s. */
const stopPlan = { workerAtMs: 2_500, killAtMs: 4_000, postgresGraceMs: 600 };

/** Starts the database, the API, the worker and the console of one home, keeps them running, and stops them in order. */
export class Supervisor {
  private readonly startedAt = Date.now();
  private readonly pidFiles: PidFiles;
  private readonly stopSignal = new AbortController();
  private children = new Map<string, Child>();
  private postgres: PostgresKeeper | undefined;
  private lock: HomeLock | undefined;
  private logTimer: NodeJS.Timeout | undefined;
  private endWatch: (() => void) | undefined;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.pidFiles = new PidFiles(join(options.home, 'run'));
  }

  /**
   * Resolves when everything is ready and announced.
   * @throws SlipwayError with one sentence; call `stop` after it.
   */
  async start(): Promise<void> {
    const { home } = this.options;
    try {
      await prepareHome(home);
      this.lock = await lockHome(join(home, 'run', 'supervisor.lock'));
      const ended = await this.pidFiles.endLeftovers(names, 3_000);
      if (ended > 0) this.say(`Ended ${ended} process${ended === 1 ? '' : 'es'} that an earlier run left behind.`);
      await this.run();
    } catch (error) {
      throw asDiskFull(error, home) ?? error;
    }
  }

  /** Ends everything: the gateway first, so that it finishes its requests, then the worker with its instances, PostgreSQL last. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** Ends the children at once; the answer to a second Ctrl-C. */
  killAll(): void {
    for (const child of this.children.values()) void child.stop('SIGKILL');
  }

  private async run(): Promise<void> {
    const { settings, home } = this.options;
    const ports = await this.claimPorts();
    const databaseUrl = settings.DATABASE_URL ?? (await this.startPostgres());
    this.checkStopped();
    await this.migrate(databaseUrl);
    const keyFile = join(home, 'secrets', 'bootstrap-key');
    const bootstrap = await ensureBootstrapKey(keyFile, settings.SLIPWAY_BOOTSTRAP_API_KEY);
    const env = this.childEnv(databaseUrl, ports, bootstrap);
    await this.startChildren(env);
    const url = this.publicUrl(ports.api);
    const example = settings.SLIPWAY_EXAMPLES === 'on' ? await this.examples(`http://${this.localHost()}:${ports.api}`, bootstrap) : undefined;
    const signInToken = await this.giveSignInToken();
    this.checkStopped();
    const secondsToReady = (Date.now() - this.startedAt) / 1000;
    const needsKey = settings.SLIPWAY_PREDICT_AUTH === 'required';
    const grpc = { address: `${this.localHost()}:${ports.grpc}`, isOverTls: settings.SLIPWAY_GRPC_TLS_CERT_FILE !== undefined };
    this.options.print(announce({ url, grpc, signInToken, bootstrap, keyFile, needsKey, example, secondsToReady }));
  }

  private async claimPorts(): Promise<Ports> {
    const { settings } = this.options;
    const loopback = '127.0.0.1';
    const [api = 0, grpc = 0, worker = 0, console = 0] = await claimPorts([
      { setting: 'SLIPWAY_API_PORT', port: settings.SLIPWAY_API_PORT, host: settings.SLIPWAY_LISTEN },
      { setting: 'SLIPWAY_GRPC_PORT', port: settings.SLIPWAY_GRPC_PORT, host: settings.SLIPWAY_LISTEN },
      { setting: 'SLIPWAY_WORKER_PORT', port: settings.SLIPWAY_WORKER_PORT, host: loopback },
      { setting: 'SLIPWAY_CONSOLE_PORT', port: settings.SLIPWAY_CONSOLE_PORT, host: loopback },
    ]);
    return { api, grpc, worker, console };
  }

  private async startPostgres(): Promise<string> {
    this.say('Starting PostgreSQL …');
    this.postgres = new PostgresKeeper(
      this.options.home,
      (sentence) => this.say(sentence),
      (url) => {
        this.say('PostgreSQL has a new address; the programs take it over.');
        for (const child of this.children.values()) if (child.name !== 'console') child.change({ ...child.env, DATABASE_URL: url });
      },
    );
    return this.postgres.start();
  }

  private async migrate(databaseUrl: string): Promise<void> {
    const { QUEUE_URL } = this.options.settings;
    try {
      const applied = await migrate(databaseUrl);
      if (applied.length > 0) this.say(`Applied ${applied.length} database migration${applied.length === 1 ? '' : 's'}.`);
      await createQueueDriver(QUEUE_URL ?? databaseUrl).migrate();
    } catch (error) {
      const hint = this.postgres === undefined ? ' (DATABASE_URL)' : '';
      throw new SlipwayError('DATABASE_UNAVAILABLE', `The database${hint} cannot be prepared: ${messageOf(error)}`, { cause: error });
    }
  }

  private childEnv(databaseUrl: string, ports: Ports, bootstrap: BootstrapKey): Env {
    return {
      ...this.options.env,
      NODE_ENV: 'production',
      SLIPWAY_HOME: this.options.home,
      DATABASE_URL: databaseUrl,
      SLIPWAY_API_PORT: String(ports.api),
      SLIPWAY_GRPC_PORT: String(ports.grpc),
      SLIPWAY_WORKER_PORT: String(ports.worker),
      SLIPWAY_CONSOLE_PORT: String(ports.console),
      SLIPWAY_BOOTSTRAP_API_KEY: bootstrap.key,
    };
  }

  private async startChildren(env: Env): Promise<void> {
    const { root, home } = this.options;
    this.say('Starting API, worker and console …');
    for (const { name, script } of programs) {
      const logFile = await logFileOf(home, name);
      const plan = { name, args: [join(root, script)], cwd: root, env: name === 'console' ? withoutSecrets(env) : env, logFile };
      this.children.set(name, new Child(plan, this.pidFiles, (sentence) => this.say(sentence)));
    }
    this.boundLogs();
    this.checkStopped();
    await Promise.all([...this.children.values()].map((child) => child.start()));
    if (this.options.watch) this.endWatch = watchBuilds(root, () => this.restartPrograms());
  }

  private restartPrograms(): void {
    this.say('Compiled files changed; restarting API and worker …');
    for (const name of ['api', 'worker']) {
      const child = this.children.get(name);
      child?.change(child.env);
    }
  }

  private async giveSignInToken(): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    await this.children.get('api')?.ask({ kind: 'sign-in-token', token }, 'sign-in-token-stored', 10_000);
    return token;
  }

  /** The example for the announcement. Failing examples do not fail the start: they are tried again by the next one. */
  private async examples(url: string, bootstrap: BootstrapKey): Promise<{ deployment: string; requestFile: string } | undefined> {
    const { root, home } = this.options;
    const manifestFile = join(root, 'examples', 'manifest.json');
    const examples = await readExamples(manifestFile);
    const first = examples?.[0];
    if (examples === undefined || first === undefined) return undefined;
    const marker = join(home, 'examples-registered');
    const example = { deployment: first.deployment.name, requestFile: join(root, 'examples', first.request) };
    const isDone = await access(marker).then(
      () => true,
      () => false,
    );
    if (isDone) return example;
    this.say('Registering and deploying the example models …');
    try {
      const client = new ControlClient(url, bootstrap.key, this.stopSignal.signal);
      await registerExamples(client, manifestFile, examples, (sentence) => this.say(sentence));
      await writeFile(marker, new Date().toISOString());
      return example;
    } catch (error) {
      this.checkStopped();
      this.say(`The examples are not complete: ${messageOf(error)} The next start tries again.`);
      return undefined;
    }
  }

  private async stopAll(): Promise<void> {
    this.stopSignal.abort();
    // Without the lock the home is another supervisor's, and so is everything that runs there.
    if (this.lock === undefined) return;
    await this.lock.leaving();
    clearInterval(this.logTimer);
    this.endWatch?.();
    const gateway = Promise.all(['api', 'console'].map((name) => this.children.get(name)?.stop()));
    const worker = Promise.race([gateway, pause(stopPlan.workerAtMs)]).then(() => this.children.get('worker')?.stop());
    const kill = setTimeout(() => this.killAll(), stopPlan.killAtMs);
    await Promise.allSettled([gateway, worker]);
    clearTimeout(kill);
    await endOrphanInstances(this.options.home);
    await this.postgres?.stop(stopPlan.postgresGraceMs);
    await Promise.all(names.map((name) => this.pidFiles.remove(name)));
    await this.lock.release();
  }

  private boundLogs(): void {
    this.logTimer = setInterval(() => {
      for (const name of [...names, 'postgres']) void boundLog(join(this.options.home, 'logs', `${name}.log`)).catch(() => undefined);
    }, 60_000);
    this.logTimer.unref();
  }

  private publicUrl(port: number): string {
    return this.options.settings.SLIPWAY_PUBLIC_URL?.replace(/\/$/, '') ?? `http://${this.localHost()}:${port}`;
  }

  private localHost(): string {
    const listen = this.options.settings.SLIPWAY_LISTEN;
    if (listen === '0.0.0.0' || listen === '::') return '127.0.0.1';
    return listen.includes(':') ? `[${listen}]` : listen;
  }

  private checkStopped(): void {
    if (this.stopping !== undefined) throw new StartCancelled();
  }

  private say(line: string): void {
    if (this.stopping === undefined) this.options.print(line);
  }
}

interface Ports {
  readonly api: number;
  readonly grpc: number;
  readonly worker: number;
  readonly console: number;
}

/** The start was cut short by a stop; nothing to report. */
export class StartCancelled extends Error {
  override readonly name = 'StartCancelled';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
