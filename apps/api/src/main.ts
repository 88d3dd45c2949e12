import 'reflect-metadata';
import { answerPings, loadSettings, SettingsError } from '@slipway/platform';
import { KeyStore } from './access/key.store.js';
import { SessionStore } from './access/session.store.js';
import { createApi } from './create-app.js';
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
    throw new SettingsError('DATABASE_URL is needed here: `npm start` runs its own database and sets it for the API');
  const platform = Platform.open(settings, settings.DATABASE_URL);
  const { log } = platform;
  await platform.nudges.start();
  if (settings.SLIPWAY_BOOTSTRAP_API_KEY !== undefined) await new KeyStore(platform.db.prisma).ensureBootstrap(settings.SLIPWAY_BOOTSTRAP_API_KEY);
  const api = await createApi(platform);
  platform.shutdown.add('http', () => api.close());
  // A mistake of ours in one corner must not end what everybody else relies on; the log has it as an error.
  process.on('unhandledRejection', (error) => platform.log.error({ err: error }, 'unhandled rejection'));
  platform.shutdown.onSignals();
  answerPings();
  const port = await api.listen(settings.SLIPWAY_API_PORT, settings.SLIPWAY_LISTEN);
  const grpcPort = await api.listenGrpc(settings.SLIPWAY_GRPC_PORT, settings.SLIPWAY_LISTEN);
  log.info({ port, grpcPort }, 'api ready');
  answerSupervisor(platform, port);
}

/** The supervisor hands over the one-time sign-in link's token by IPC, so that it never stands in an environment or on a disk. */
function answerSupervisor(platform: Platform, port: number): void {
  if (process.send === undefined) return;
  process.on('message', (message: unknown) => {
    if (typeof message !== 'object' || message === null || Reflect.get(message, 'kind') !== 'sign-in-token') return;
    const token: unknown = Reflect.get(message, 'token');
    if (typeof token !== 'string' || token.length < 32) return;
    new SessionStore(platform.db.prisma).allowSignIn(token).then(
      () => process.send?.({ kind: 'sign-in-token-stored' }),
      (error: unknown) => platform.log.error({ err: error }, 'sign-in token not stored'),
    );
  });
  process.send({ kind: 'ready', port });
}
