import 'reflect-metadata';
import { answerPings, loadSettings, SettingsError } from '@slipway/platform';
import { createWorker } from './create-worker.js';
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
  const { port } = await createWorker(platform);
  platform.log.info({ port }, 'worker ready');
  process.send?.({ kind: 'ready', port });
}
