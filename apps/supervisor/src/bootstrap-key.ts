import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface BootstrapKey {
  readonly key: string;
  /** `given` by a setting, `made` just now, or `kept` from an earlier start. */
  readonly origin: 'given' | 'made' | 'kept';
}

/** The admin key of this home: the one that was set, else the kept one, else a new one that only the owner of the home can read. */
export async function ensureBootstrapKey(file: string, given: string | undefined): Promise<BootstrapKey> {
  if (given !== undefined) return { key: given, origin: 'given' };
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept.length >= 32) return { key: kept, origin: 'kept' };
  const key = `slw_${randomBytes(32).toString('base64url')}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${key}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return { key, origin: 'made' };
}
