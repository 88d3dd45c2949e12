import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { loadSettings, SettingsError } from '@slipway/platform';
import { StartCancelled, Supervisor } from './supervisor.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
// The terminal may go away before we do; what cannot be printed is not worth dying for.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

function createSupervisor(): Supervisor {
  const envFile = resolve(root, '.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  const settings = loadSettings(process.env);
  const home = resolve(root, settings.SLIPWAY_HOME);
  return new Supervisor({
    root,
    home,
    settings,
    env: process.env,
    watch: process.argv.includes('--dev'),
    print: (line) => process.stdout.write(`${line}\n`),
  });
}

function fail(error: unknown): void {
  if (error instanceof StartCancelled) return;
  const isForPeople = error instanceof SlipwayError || error instanceof SettingsError;
  process.stderr.write(`\n${isForPeople ? error.message : `Slipway cannot start: ${messageOf(error)}`}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const supervisor = createSupervisor();
  let askedAt = 0;
  const leave = () => {
    // One Ctrl-C arrives twice under npm: from the terminal and passed on by npm. Only a later one means "at once".
    if (askedAt > 0 && Date.now() - askedAt > 700) supervisor.killAll();
    if (askedAt > 0) return;
    askedAt = Date.now();
    process.stdout.write('\nStopping …\n');
    void supervisor.stop().finally(() => process.exit(process.exitCode ?? 0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  if (process.env['npm_lifecycle_event'] !== undefined) leaveWithParent(leave);
  try {
    await supervisor.start();
  } catch (error) {
    fail(error);
    await supervisor.stop();
    process.exit();
  }
}

/** npm was killed: nobody can press Ctrl-C any more, and the next start would find this one in its way. */
function leaveWithParent(leave: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    leave();
  }, 500).unref();
}

await main().catch((error) => {
  fail(error);
  process.exit();
});
