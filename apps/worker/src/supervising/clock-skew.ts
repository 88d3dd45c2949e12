import { SlipwayError } from '@slipway/contracts';
import { isDatabaseUnavailable } from '@slipway/platform';
import type { Platform } from '../platform.js';

/**
 * Locks of jobs are measured by the clocks of those who take them, so two clocks that differ make two workers do one job at a time. What
 * matters more is measured by the database's clock alone.
 */
const skewMaxMs = 2_000;

/** How far this machine's clock is ahead of the database's, in ms; whatever the way there took is left out. */
async function clockSkew(platform: Pick<Platform, 'db'>): Promise<number> {
  const before = Date.now();
  const { rows } = await platform.db.pool.query<{ now: string }>(`select extract(epoch from clock_timestamp()) * 1000 as now`);
  const after = Date.now();
  return skewBetween(before, Number(rows[0]?.now), after);
}

/** @param databaseMs the database's time, asked for at `before` and known at `after`. */
export function skewBetween(before: number, databaseMs: number, after: number): number {
  if (databaseMs < before) return before - databaseMs;
  return databaseMs > after ? after - databaseMs : 0;
}

/** @throws SlipwayError START_REFUSED when this machine's clock differs by more than two seconds */
export async function refuseSkewedClock(platform: Pick<Platform, 'db'>): Promise<void> {
  const skewMs = await clockSkew(platform).catch((error: unknown) => {
    // Instances are adopted without the database as well.
    if (isDatabaseUnavailable(error)) return 0;
    throw error;
  });
  if (Math.abs(skewMs) <= skewMaxMs) return;
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  const way = skewMs > 0 ? 'ahead of' : 'behind';
  throw new SlipwayError(
    'START_REFUSED',
    `this machine's clock is ${seconds} s ${way} the database's: set one of them right (at most ${skewMaxMs / 1000} s are allowed)`,
  );
}
