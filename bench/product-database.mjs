// The product's own database, seen from outside: its address, and its processes.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { withDescendants } from './process-cost.mjs';

/** As the supervisor gave it to the API. */
export function databaseUrlOf(product) {
  for (const pid of withDescendants(product.child.pid)) {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('apps/api/dist/main.js')) continue;
    const line = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((one) => one.startsWith('DATABASE_URL='));
    if (line !== undefined) return line.slice('DATABASE_URL='.length);
  }
  throw new Error('the API of the product does not run');
}

/** A connection that an interrupted run, which ends the database first, does not trip over. */
export async function connectTo(product) {
  const database = new pg.Client({ connectionString: databaseUrlOf(product) });
  database.on('error', () => undefined);
  await database.connect();
  return database;
}

/** The server's first process; all others are below it. */
export async function postmasterOf(database) {
  const { rows } = await database.query('select pg_backend_pid() as pid');
  const text = readFileSync(`/proc/${rows[0].pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

/**
 * Stops the whole server where it stands: connections stay open and are not answered, new ones are accepted by the system and not answered
 * either. Harder on its clients than one that is gone, and nothing starts it anew meanwhile.
 * @returns what lets it go on.
 */
export function freeze(postmaster) {
  const frozen = withDescendants(postmaster);
  signalAll(frozen, 'SIGSTOP');
  // One that was born between the look and the signal.
  const late = withDescendants(postmaster).filter((pid) => !frozen.includes(pid));
  signalAll(late, 'SIGSTOP');
  return () => signalAll([...late, ...frozen.toReversed()], 'SIGCONT');
}

function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
  }
}
