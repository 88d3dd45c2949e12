import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The installation's key for secrets at rest: 32 random bytes in `<home>/secrets/master-key`, made on first use, readable by the owner only. */
export function loadMasterKey(home: string): Uint8Array {
  const folder = join(home, 'secrets');
  const file = join(folder, 'master-key');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) {
    const mine = `${file}.${process.pid}`;
    writeFileSync(mine, randomBytes(32).toString('base64'), { mode: 0o600 });
    try {
      // A hard link fails when another process was first; its key is then the key.
      linkSync(mine, file);
    } catch (error) {
      if (!existsSync(file)) throw error;
    } finally {
      rmSync(mine, { force: true });
    }
  }
  chmodSync(file, 0o600);
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (key.length !== 32) throw new Error(`${file} is not a key of 32 bytes; restore it from a backup`);
  return key;
}
