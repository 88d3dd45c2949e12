import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, SlipwayError } from '@slipway/contracts';
import type { PostgresBinaries } from './binaries.js';
import type { RunAs } from './run-as.js';
import { explainFailure } from './server-log.js';

/** The password of the database, made on the first start; only the owner of the home can read it. */
export async function ensurePassword(home: string, dataFolder: string): Promise<string> {
  const file = join(home, 'secrets', 'postgres-password');
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept !== '') return kept;
  if (await isInitialised(dataFolder)) {
    throw new SlipwayError(
      'START_REFUSED',
      `${file} is missing, and without it the database in ${dataFolder} cannot be opened; put it back, or set DATABASE_URL.`,
    );
  }
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  await writeFile(`${file}.new`, password, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return password;
}

export interface InitialiseOptions {
  readonly folder: string;
  readonly dataFolder: string;
  readonly logFile: string;
  readonly runAs: RunAs | undefined;
  readonly binaries: PostgresBinaries;
  readonly password: string;
}

/**
 * Makes the data directory unless it is there; answers whether it did. Built beside and renamed, so that an interrupted first start leaves
 * nothing that looks like a database. Loopback with a password: other accounts of the machine reach the port too.
 */
export async function initialiseData(options: InitialiseOptions): Promise<boolean> {
  const { folder, dataFolder, runAs, binaries, password } = options;
  if (await isInitialised(dataFolder)) return false;
  const fresh = `${dataFolder}.new`;
  const passwordFile = join(folder, 'postgres.password');
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
  try {
    for (const path of runAs === undefined ? [] : [fresh, passwordFile]) await chown(path, runAs?.uid ?? 0, runAs?.gid ?? 0);
    const output = await run(binaries.initdb, [...initArguments, '-D', fresh, `--pwfile=${passwordFile}`], folder, runAs);
    if (!(await isInitialised(fresh)) || !output.ok) throw explainFailure(output.text, options);
    await rename(fresh, dataFolder);
    await chmod(dataFolder, 0o700);
    return true;
  } finally {
    await rm(passwordFile, { force: true });
    await rm(fresh, { recursive: true, force: true });
  }
}

// C.UTF-8 from the server itself: the same order on every machine and no locale to install.
const initArguments = [
  '--username=slipway',
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-locale',
  '--no-instructions',
];

async function isInitialised(dataFolder: string): Promise<boolean> {
  return (await stat(join(dataFolder, 'PG_VERSION')).catch(() => undefined)) !== undefined;
}

function run(program: string, args: readonly string[], cwd: string, runAs: RunAs | undefined): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { LC_ALL: 'C', TZ: 'UTC' }, ...runAs });
    let text = '';
    child.stdout.on('data', (piece) => (text += String(piece)));
    child.stderr.on('data', (piece) => (text += String(piece)));
    child.once('error', (error) => resolve({ ok: false, text: `FATAL:  cannot run ${program}: ${messageOf(error)}` }));
    child.once('close', (code) => resolve({ ok: code === 0, text }));
  });
}
