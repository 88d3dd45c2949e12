import { foldName, ResourceName, SlipwayError } from '@slipway/contracts';
import type { Database, Transaction } from '@slipway/platform';

export interface FoundModel {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
}

/**
 * The model of a name, whatever its case. A name that cannot be one is not looked up.
 * @throws SlipwayError MODEL_NOT_FOUND, the same for one that is absent and one of another project.
 */
export async function findModel(db: Database | Transaction, projectId: string, name: string): Promise<FoundModel> {
  const found = ResourceName.safeParse(name).success
    ? await db.model.findUnique({
        where: { projectId_nameFolded: { projectId, nameFolded: foldName(name) } },
        select: { id: true, projectId: true, name: true },
      })
    : null;
  if (found === null) throw modelNotFound(name);
  return found;
}

export function modelNotFound(name: string): SlipwayError {
  return new SlipwayError(
    'MODEL_NOT_FOUND',
    `there is no model ${JSON.stringify(name.slice(0, 128))} in this project; GET /v1/models lists those that are there`,
  );
}
