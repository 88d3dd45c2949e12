import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';

/** Any number, the same in every process: one migration at a time. */
const lockKey = 7_104_202_611;

const createTable = `create table if not exists _prisma_migrations (
  id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null,
  logs text, rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`;

/** The folder of the migrations in this checkout. */
export const migrationsFolder = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));

/**
 * Applies the migrations that are not yet in the database, each in one transaction, and returns their names.
 * Keeps Prisma's own table, so that `prisma migrate deploy` agrees; needs no schema engine binary.
 * @throws when an applied migration's file was edited afterwards.
 */
export async function migrate(connectionString: string, folder = migrationsFolder): Promise<string[]> {
  const client = new Client({ connectionString });
  // A connection that is cut between two queries fails the next one; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(createTable);
    const applied = await client.query<{ migration_name: string; checksum: string }>(
      'select migration_name, checksum from _prisma_migrations where finished_at is not null',
    );
    const known = new Map(applied.rows.map((row) => [row.migration_name, row.checksum]));
    const done: string[] = [];
    for (const name of await migrationNames(folder)) {
      const sql = await readFile(join(folder, name, 'migration.sql'));
      const checksum = createHash('sha256').update(sql).digest('hex');
      const seen = known.get(name);
      if (seen === checksum) continue;
      if (seen !== undefined) throw new Error(`migration ${name} was applied with another content; migrations are never edited, add a new one`);
      await apply(client, name, sql.toString('utf8'), checksum);
      done.push(name);
    }
    return done;
  } finally {
    await client.end();
  }
}

async function migrationNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function apply(client: Client, name: string, sql: string, checksum: string): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query(
      'insert into _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count) values ($1, $2, now(), $3, 1)',
      [randomUUID(), checksum, name],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
