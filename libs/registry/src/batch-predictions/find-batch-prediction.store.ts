import { SlipwayError } from '@slipway/contracts';
import type { Database, Transaction } from '@slipway/platform';
import type { BatchPredictionRow } from './batch-prediction-mapper.js';

const idPattern = /^bat_[0-9A-Z]{26}$/;

/** @throws SlipwayError BATCH_PREDICTION_NOT_FOUND, the same for one that is absent and one of another project. */
export async function findBatchPrediction(db: Database | Transaction, projectId: string, id: string): Promise<BatchPredictionRow> {
  const row = idPattern.test(id) ? await db.batchPrediction.findFirst({ where: { id, projectId } }) : null;
  if (row === null) {
    throw new SlipwayError(
      'BATCH_PREDICTION_NOT_FOUND',
      `there is no batch prediction ${JSON.stringify(id.slice(0, 64))} in this project; GET /v1/batch-predictions lists those that are there`,
    );
  }
  return row;
}
