import { PrismaPg } from '@prisma/adapter-pg';
import { Pool } from 'pg';
import { Prisma, PrismaClient } from './generated/client.js';

export { Prisma } from './generated/client.js';
export type Database = PrismaClient;
/** What a store needs: the database itself or a transaction on it. */
export type Transaction = Prisma.TransactionClient;

export interface DatabaseHandle {
  readonly prisma: Database;
  /** For bulk inserts and time series, where plain SQL is several times faster. */
  readonly pool: Pool;
  close(): Promise<void>;
}

/**
 * Limits so that a long lock elsewhere becomes an answer (503) instead of a pile-up. Times of the rows are UTC without a zone, so a server of
 * another zone must not turn its now() into local time.
 */
const sessionOptions = '-c TimeZone=UTC -c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000';

/** Opens the registry database; connections are made on first use. `max` bounds each of the two pools. */
export function createDatabase(options: { url: string; max?: number }): DatabaseHandle {
  const max = options.max ?? 10;
  const config = {
    connectionString: options.url,
    max,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    options: sessionOptions,
    keepAlive: true,
  };
  const pool = new Pool(config);
  // An idle connection that the server ends must not end the process; the next query opens a new one.
  pool.on('error', () => undefined);
  // Nor one that is cut while somebody holds it between two queries: the pool listens to idle connections only, and an error without a
  // listener is an uncaught exception. The holder's next query fails and says so.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const prisma = new PrismaClient({
    adapter: new PrismaPg(config, { onPoolError: () => undefined, onConnectionError: () => undefined }),
    transactionOptions: { maxWait: 5_000, timeout: 15_000 },
  });
  return {
    prisma,
    pool,
    close: async () => {
      await Promise.allSettled([prisma.$disconnect(), pool.end()]);
    },
  };
}

const unavailableSqlStates = new Set(['57P01', '57P02', '57P03', '08000', '08001', '08003', '08004', '08006', '55P03', '57014']);

/** Whether an error means that the database is away or overloaded, as opposed to a wrong query. */
export function isDatabaseUnavailable(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth += 1) {
    const code: unknown = Reflect.get(at, 'code');
    if (
      typeof code === 'string' &&
      (isUnavailableSqlState(code) || /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|P1001|P1002|P1008|P1017|P2024|P2028)/.test(code))
    )
      return true;
    if (
      /Can't reach database|Connection terminated|connect ECONNREFUSED|timeout exceeded when trying to connect|Server has closed the connection|terminating connection|the database system is|not currently accepting connections/i.test(
        at.message,
      )
    )
      return true;
    // Prisma gives a state that it has no code of its own for in the text alone.
    const [, state] = /Database error\. Code: `(\w{5})`/.exec(at.message) ?? [];
    if (state !== undefined && isUnavailableSqlState(state)) return true;
  }
  return false;
}

/** Besides single states the classes 53 (no disk, no memory, no connection left) and 58 (an error of the system below). */
function isUnavailableSqlState(state: string): boolean {
  return unavailableSqlStates.has(state) || /^5[38]\w{3}$/.test(state);
}

/** Whether an error is the violation of a unique index. */
export function isUniqueViolation(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError) return error.code === 'P2002';
  return error instanceof Error && Reflect.get(error, 'code') === '23505';
}

/** A plain value as the JSON type that Prisma takes; `undefined` fields fall away as in JSON. */
export function toJson(value: unknown): Prisma.InputJsonValue {
  // A JSON round trip yields exactly the JSON values, which is what the cast states.
  return JSON.parse(JSON.stringify(value ?? null)) as Prisma.InputJsonValue;
}
