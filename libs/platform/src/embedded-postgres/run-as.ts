import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SlipwayError } from '@slipway/contracts';

/** The account that runs the server when the caller is root: PostgreSQL refuses user 0. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

/** The account for the server: undefined (the caller's own) unless the caller is root; then the owner of existing data, else `nobody`. */
export async function chooseRunAs(dataFolder: string): Promise<RunAs | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const data = await stat(dataFolder).catch(() => undefined);
  if (data !== undefined && data.uid !== 0) return { uid: data.uid, gid: data.gid };
  const account = findAccount(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  if (account !== undefined) return account;
  throw new SlipwayError(
    'START_REFUSED',
    'PostgreSQL does not run as root and this system has no account "nobody" or "postgres" to run it; start Slipway as an ordinary user or set DATABASE_URL.',
  );
}

/** initdb looks its user up, so the id must have an entry. `nobody` first: it exists nearly everywhere and owns nothing else of ours. */
export function findAccount(passwd: string): RunAs | undefined {
  const rows = passwd.split('\n').map((line) => line.split(':'));
  for (const name of ['nobody', 'postgres', 'daemon']) {
    const row = rows.find((fields) => fields[0] === name);
    const uid = Number(row?.[2]);
    const gid = Number(row?.[3]);
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0) return { uid, gid };
  }
  return undefined;
}

/** Whether the account may pass through every folder on the way and execute or enter the last part. */
export async function isReachable(path: string, { uid, gid }: RunAs): Promise<boolean> {
  let place = resolve(path);
  for (;;) {
    const facts = await stat(place).catch(() => undefined);
    if (facts === undefined) return false;
    const bit = facts.uid === uid ? 0o100 : facts.gid === gid ? 0o010 : 0o001;
    if ((facts.mode & bit) === 0) return false;
    const parent = dirname(place);
    if (parent === place) return true;
    place = parent;
  }
}
