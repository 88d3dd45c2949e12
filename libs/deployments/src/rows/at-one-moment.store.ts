import { type Database, Prisma, type Transaction } from '@slipway/platform';
import { databaseNow } from './database-clock.store.js';

/**
 * Several queries that see one and the same moment. Without it a reader can see a deployment from before a commit and its rollout from after
 * it, and take a revision that was just promoted for one that nobody wants.
 */
export function atOneMoment<T>(db: Database, query: (tx: Transaction, now: Date) => Promise<T>): Promise<T> {
  return db.$transaction(async (tx) => query(tx, await databaseNow(tx)), { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead });
}
