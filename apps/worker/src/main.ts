import 'reflect-metadata';
import { answerPings, loadSettings, SettingsError } from '@slipway/platform';
import { createWorker } from './create-worker.js';
import { Membership } from './joining/membership.js';
import { Platform } from './platform.js';

try {
  await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof SettingsError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}

async function main(): Promise<void> {
  const settings = loadSettings(process.env);
  if (settings.DATABASE_URL === undefined)
    throw new SettingsError('DATABASE_URL is needed here: `npm start` runs its own database and sets it for the worker');
  const platform = Platform.open(settings, settings.DATABASE_URL);
  // A mistake of ours in one corner must not end what everybody else relies on; the log has it as an error.
  process.on('unhandledRejection', (error) => platform.log.error({ err: error }, 'unhandled rejection'));
  platform.shutdown.onSignals();
  answerPings();
  const { port } = await createWorker(platform, await joinIfTold(platform));
  platform.log.info({ port }, 'worker ready');
  process.send?.({ kind: 'ready', port });
}

/** Whether this machine is part of an installation whose API runs elsewhere; joins it when it has not yet. */
async function joinIfTold({ settings, home, host, log, shutdown }: Platform): Promise<Membership | null> {
  const { SLIPWAY_API_URL: apiUrl, SLIPWAY_JOIN_TOKEN: joinToken } = settings;
  if (apiUrl === undefined) return null;
  const leaving = new AbortController();
  shutdown.begin(() => leaving.abort());
  const membership = await Membership.open({ home, apiUrl, joinToken, name: host.name, log, signal: leaving.signal });
  membership.start();
  shutdown.add('membership', () => membership.close());
  return membership;
}
