import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '@slipway/contracts';
import pg from 'pg';
import { findBinaries, type PostgresBinaries } from './binaries.js';
import { ensurePassword, initialiseData } from './initialise-data.js';
import { endOrphans, isLivePostgres, pause, readLock, signal, stopServer } from './postmaster.js';
import { chooseRunAs, type RunAs } from './run-as.js';
import { serverFolder } from './server-folder.js';
import { explainFailure, isBusyPort, isStaleLock } from './server-log.js';
import { choosePort, freePort, rememberPort } from './server-port.js';

/** Where progress goes; a pino logger fits. */
export interface StartLog {
  info(facts: Readonly<Record<string, unknown>>, message: string): void;
}

export interface EmbeddedPostgresOptions {
  /** The state folder (`SLIPWAY_HOME`). */
  readonly home: string;
  readonly log?: StartLog;
  readonly database?: string;
  /** More `name=value` server settings, for example `fsync=off` in tests. */
  readonly settings?: readonly string[];
}

export interface EmbeddedPostgres {
  /** `postgresql://…` with the password, on loopback. */
  readonly url: string;
  readonly pid: number;
  readonly port: number;
  /** The server was left running by an earlier start and taken over. */
  readonly adopted: boolean;
  isAlive(): Promise<boolean>;
  /** Fast shutdown; after `graceMs` (default 3000) immediate shutdown, which the next start recovers from. */
  stop(graceMs?: number): Promise<void>;
}

export const postgresUser = 'slipway';
const readyWithinMs = 60_000;
const staleLockWithinMs = 15_000;

/**
 * Starts the PostgreSQL of this home, or takes over the one that runs; makes the data directory on the first start and the database if
 * it is not there. The server is detached: it survives its starter and is found again through `postmaster.pid`.
 * @throws SlipwayError DISK_FULL, START_REFUSED or DATABASE_UNAVAILABLE with one sentence for the person who started it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { home, log, database = 'slipway' } = options;
  const runAs = await chooseRunAs(join(home, 'postgres'));
  const folder = await serverFolder(home, runAs);
  const place = { home, folder, dataFolder: join(folder, 'postgres'), logFile: join(home, 'logs', 'postgres.log'), runAs };
  await mkdir(join(home, 'logs'), { recursive: true });
  const password = await ensurePassword(home, place.dataFolder);
  const urlOf = (port: number, name: string) => `postgresql://${postgresUser}:${password}@127.0.0.1:${port}/${name}`;

  const adopted = await adopt(place.dataFolder, (port) => urlOf(port, 'postgres'));
  const server = adopted ?? (await launch(place, options, password, (port) => urlOf(port, 'postgres')));
  await ensureDatabase(urlOf(server.port, 'postgres'), database);
  log?.info({ port: server.port, pid: server.pid, adopted: adopted !== undefined, dataFolder: place.dataFolder }, 'postgres ready');
  return {
    ...server,
    url: urlOf(server.port, database),
    adopted: adopted !== undefined,
    isAlive: () => isLivePostgres(server.pid),
    stop: (graceMs = 3000) => stopServer(server.pid, graceMs),
  };
}

interface Place {
  readonly home: string;
  readonly folder: string;
  readonly dataFolder: string;
  readonly logFile: string;
  readonly runAs: RunAs | undefined;
}
interface Server {
  readonly pid: number;
  readonly port: number;
}
type UrlOf = (port: number) => string;

/** Takes over a live server; a server that is starting, recovering or shutting down is waited for. Clears what a killed one left. */
async function adopt(dataFolder: string, urlOf: UrlOf): Promise<Server | undefined> {
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline) {
    const lock = await readLock(dataFolder);
    if (lock === undefined) return undefined;
    if (!(await isLivePostgres(lock.pid))) {
      await clearStaleLock(dataFolder);
      return undefined;
    }
    if (lock.port > 0 && (await answers(urlOf(lock.port)))) return lock;
    await pause(100);
  }
  throw new SlipwayError('DATABASE_UNAVAILABLE', `A PostgreSQL holds ${dataFolder} but does not answer; end its process and start again.`);
}

/**
 * A lock whose process is dead, a zombie or a stranger. PostgreSQL itself takes a zombie (a container without an init process) for a
 * live server and refuses to start for ever, so the lock goes; the shared memory check inside PostgreSQL stays as the second guard.
 */
async function clearStaleLock(dataFolder: string): Promise<void> {
  await endOrphans(dataFolder);
  await rm(join(dataFolder, 'postmaster.pid'), { force: true });
}

async function launch(place: Place, options: EmbeddedPostgresOptions, password: string, urlOf: UrlOf): Promise<Server> {
  const binaries = await findBinaries(place.runAs, place.folder);
  const isNew = await initialiseData({ ...place, binaries, password });
  if (isNew) options.log?.info({ dataFolder: place.dataFolder }, 'postgres data directory created');
  await refuseForeignData(place);
  await rotate(place.logFile);
  let port = await choosePort(place.home);
  const deadline = Date.now() + staleLockWithinMs;
  for (;;) {
    const outcome = await tryStart(place, binaries, port, options.settings ?? [], urlOf);
    if (outcome.kind === 'ready') {
      await rememberPort(place.home, port);
      return outcome.server;
    }
    const retryable = isStaleLock(outcome.log) || isBusyPort(outcome.log);
    if (!retryable || Date.now() > deadline) throw explainFailure(outcome.log, place);
    if (isBusyPort(outcome.log)) port = await freePort();
    if (isStaleLock(outcome.log)) await adopt(place.dataFolder, urlOf);
    await pause(200);
  }
}

async function refuseForeignData({ dataFolder, runAs }: Place): Promise<void> {
  const wanted = runAs?.uid ?? process.geteuid?.();
  const { uid } = await stat(dataFolder);
  if (wanted === undefined || uid === wanted) return;
  throw new SlipwayError(
    'START_REFUSED',
    `The database folder ${dataFolder} belongs to another user (id ${uid}); start Slipway as that user or as root.`,
  );
}

async function tryStart(place: Place, binaries: PostgresBinaries, port: number, settings: readonly string[], urlOf: UrlOf) {
  const { size: logStart } = await stat(place.logFile).catch(() => ({ size: 0 }));
  const child = await spawnServer(place, binaries, port, settings);
  const deadline = Date.now() + readyWithinMs;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    if (await answers(urlOf(port))) return { kind: 'ready' as const, server: { pid: child.pid, port } };
    await pause(20);
  }
  if (child.exitCode === null && child.pid !== undefined) signal(child.pid, 'SIGKILL');
  const log = await readFile(place.logFile, 'utf8').catch(() => '');
  return { kind: 'failed' as const, log: log.slice(logStart) };
}

/** Detached, so that Ctrl-C in a terminal does not reach it before our own ordered shutdown; its output goes to a file that outlives us. */
async function spawnServer(place: Place, binaries: PostgresBinaries, port: number, settings: readonly string[]): Promise<ChildProcess> {
  const log = await open(place.logFile, 'a', 0o640);
  try {
    const all = [...serverSettings, ...settings].flatMap((setting) => ['-c', setting]);
    const child = spawn(binaries.postgres, ['-D', place.dataFolder, '-p', String(port), ...all], {
      detached: true,
      cwd: place.folder,
      stdio: ['ignore', log.fd, log.fd],
      env: { LC_ALL: 'C', TZ: 'UTC' },
      ...place.runAs,
    });
    child.on('error', (error) => void log.write(`FATAL:  cannot run ${binaries.postgres}: ${messageOf(error)}\n`).catch(() => undefined));
    child.unref();
    await new Promise((resolve) => child.once('spawn', resolve).once('error', resolve));
    return child;
  } finally {
    await log.close();
  }
}

/** One machine, small memory: no sockets in the file system, no replication, no parallel workers (they need /dev/shm, small in containers). */
const serverSettings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=64MB',
  'max_wal_size=256MB',
  'min_wal_size=32MB',
  'wal_level=minimal',
  'max_wal_senders=0',
  'max_parallel_workers_per_gather=0',
  'max_parallel_maintenance_workers=0',
  'jit=off',
  'log_timezone=UTC',
  'timezone=UTC',
];

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

const logBytesMax = 10 * 1024 * 1024;

async function rotate(logFile: string): Promise<void> {
  const { size } = await stat(logFile).catch(() => ({ size: 0 }));
  if (size > logBytesMax) await rename(logFile, `${logFile}.1`);
  await chmod(logFile, 0o640).catch(() => undefined);
}
