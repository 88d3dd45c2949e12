import { mkdirSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { createDatabase, createLogger, type DatabaseHandle, type Logger, loadMasterKey, Nudges, type Settings, Shutdown } from '@slipway/platform';

/** This machine, as the planner sees it. The id is given by the database when the host registers. */
export interface HostFacts {
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** What every part of the process shares; made once in main.ts. */
export class Platform {
  private constructor(
    readonly settings: Settings,
    readonly log: Logger,
    readonly db: DatabaseHandle,
    readonly databaseUrl: string,
    readonly nudges: Nudges,
    readonly shutdown: Shutdown,
    readonly masterKey: Uint8Array,
    /** Absolute path of SLIPWAY_HOME. */
    readonly home: string,
    readonly host: HostFacts,
  ) {}

  static open(settings: Settings, databaseUrl: string): Platform {
    const log = createLogger('worker', settings.SLIPWAY_LOG_LEVEL);
    const home = resolve(settings.SLIPWAY_HOME);
    mkdirSync(home, { recursive: true });
    const db = createDatabase({ url: databaseUrl, max: 6 });
    const nudges = new Nudges(databaseUrl, log);
    const shutdown = new Shutdown(log);
    shutdown.add('database', () => db.close());
    shutdown.add('nudges', () => nudges.close());
    return new Platform(settings, log, db, databaseUrl, nudges, shutdown, loadMasterKey(home), home, {
      name: settings.SLIPWAY_HOST_NAME ?? hostname(),
      cores: availableParallelism(),
      memoryBytes: hostMemory(),
    });
  }

  /** The address people use for this installation, without a trailing slash; for links in notices. */
  get publicUrl(): string {
    const { SLIPWAY_PUBLIC_URL, SLIPWAY_LISTEN, SLIPWAY_API_PORT } = this.settings;
    if (SLIPWAY_PUBLIC_URL !== undefined) return SLIPWAY_PUBLIC_URL.replace(/\/$/, '');
    const host = SLIPWAY_LISTEN === '0.0.0.0' || SLIPWAY_LISTEN === '::' ? '127.0.0.1' : SLIPWAY_LISTEN;
    return `http://${host.includes(':') ? `[${host}]` : host}:${SLIPWAY_API_PORT}`;
  }
}

/** What this machine has, or less where we are in a container that may not use all of it. */
function hostMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(totalmem(), allowed) : totalmem();
}
