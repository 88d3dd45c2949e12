import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { createDatabase, createLogger, type DatabaseHandle, type Logger, loadMasterKey, Nudges, type Settings, Shutdown } from '@slipway/platform';

/** Injection token of the process's registry of metrics. */
export const REGISTRY = Symbol('prom-client registry');

/** What every part of the process shares; made once in main.ts. */
export class Platform {
  private constructor(
    readonly settings: Settings,
    readonly log: Logger,
    readonly db: DatabaseHandle,
    readonly nudges: Nudges,
    readonly shutdown: Shutdown,
    readonly masterKey: Uint8Array,
    /** Absolute path of SLIPWAY_HOME. */
    readonly home: string,
  ) {}

  static open(settings: Settings, databaseUrl: string): Platform {
    const log = createLogger('api', settings.SLIPWAY_LOG_LEVEL);
    const home = resolve(settings.SLIPWAY_HOME);
    mkdirSync(home, { recursive: true });
    const db = createDatabase({ url: databaseUrl, max: 10 });
    const nudges = new Nudges(databaseUrl, log);
    const shutdown = new Shutdown(log);
    shutdown.add('database', () => db.close());
    shutdown.add('nudges', () => nudges.close());
    return new Platform(settings, log, db, nudges, shutdown, loadMasterKey(home), home);
  }

  /** The address people use for this installation, without a trailing slash. */
  get publicUrl(): string {
    const { SLIPWAY_PUBLIC_URL, SLIPWAY_LISTEN, SLIPWAY_API_PORT } = this.settings;
    if (SLIPWAY_PUBLIC_URL !== undefined) return SLIPWAY_PUBLIC_URL.replace(/\/$/, '');
    const host = SLIPWAY_LISTEN === '0.0.0.0' || SLIPWAY_LISTEN === '::' ? '127.0.0.1' : SLIPWAY_LISTEN;
    return `http://${host.includes(':') ? `[${host}]` : host}:${SLIPWAY_API_PORT}`;
  }
}
