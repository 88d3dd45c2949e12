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
  return new Supervisor({ root, home, settings, env: process.env, print: (line) => process.stdout.write(`${line}\n`) });
}

function fail(error: unknown): void {
  if (error instanceof StartCancelled) return;
  const isForPeople = error instanceof SlipwayError || error instanceof SettingsError;
  process.stderr.write(`\n${isForPeople ? error.message : `Slipway cannot start: ${messageOf(error)}`}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const supervisor = createSupervisor();
  let asked = 0;
  const leave = () => {
    asked += 1;
    if (asked > 1) return supervisor.killAll();
    process.stdout.write('\nStopping …\n');
    void supervisor.stop().finally(() => process.exit(process.exitCode ?? 0));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  try {
    await supervisor.start();
  } catch (error) {
    fail(error);
    await supervisor.stop();
    process.exit();
  }
}

await main().catch((error) => {
  fail(error);
  process.exit();
});
