import { invariant } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

/** The database's clock: the one clock that leases, windows and deadlines are measured by. */
export async function databaseNow(tx: Transaction): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  invariant(row !== undefined, 'the database did not tell its time');
  return row.now;
}
