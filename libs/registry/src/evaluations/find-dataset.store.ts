import { foldName, ResourceName, SlipwayError } from '@slipway/contracts';
import type { Database, Transaction } from '@slipway/platform';
import type { FoundModel } from '../models/find-model.store.js';
import type { DatasetRow } from './evaluation-mapper.js';

/** The labelled set of a name, whatever its case. @throws SlipwayError DATASET_NOT_FOUND */
export async function findDataset(db: Database | Transaction, model: FoundModel, name: string): Promise<DatasetRow> {
  const row = ResourceName.safeParse(name).success
    ? await db.dataset.findUnique({ where: { modelId_nameFolded: { modelId: model.id, nameFolded: foldName(name) } } })
    : null;
  if (row === null) {
    throw new SlipwayError(
      'DATASET_NOT_FOUND',
      `the model "${model.name}" has no labelled set ${JSON.stringify(name.slice(0, 128))}; GET /v1/models/${model.name}/datasets lists those that are there`,
    );
  }
  return row;
}
