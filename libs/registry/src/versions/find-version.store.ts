import { foldName, ResourceName, SlipwayError } from '@slipway/contracts';
import type { Database, Transaction } from '@slipway/platform';
import { type FoundModel, findModel } from '../models/find-model.store.js';
import type { VersionRow } from './version-mapper.js';

/** The highest number that the column holds. */
const highestNumber = 2_147_483_647;

export interface FoundVersion {
  readonly model: FoundModel;
  readonly row: VersionRow & { readonly card: string };
}

/** A version named by its number, or by the alias that points to it now. */
export type VersionChoice = { readonly version: number } | { readonly alias: string };

/** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND */
export async function findVersion(db: Database | Transaction, projectId: string, modelName: string, choice: VersionChoice): Promise<FoundVersion> {
  const model = await findModel(db, projectId, modelName);
  if ('alias' in choice) return { model, row: await versionOfAlias(db, model, choice.alias) };
  const { version: number } = choice;
  const possible = Number.isInteger(number) && number >= 1 && number <= highestNumber;
  const row = possible ? await db.version.findUnique({ where: { modelId_number: { modelId: model.id, number } } }) : null;
  if (row === null) throw versionNotFound(model.name, number);
  return { model, row };
}

async function versionOfAlias(db: Database | Transaction, model: FoundModel, name: string): Promise<FoundVersion['row']> {
  const alias = await findAlias(db, model, name);
  const row = await db.version.findUnique({ where: { id: alias.versionId } });
  if (row === null) throw aliasNotFound(model.name, name);
  return row;
}

/** The alias of a name, whatever its case. @throws SlipwayError ALIAS_NOT_FOUND */
export async function findAlias(db: Database | Transaction, model: FoundModel, name: string) {
  const aliases = ResourceName.safeParse(name).success
    ? await db.alias.findMany({ where: { modelId: model.id }, include: { version: { select: { number: true } } } })
    : [];
  const found = aliases.find((alias) => foldName(alias.name) === foldName(name));
  if (found === undefined) throw aliasNotFound(model.name, name);
  return found;
}

/** The number in a path. @throws SlipwayError VERSION_NOT_FOUND for anything that is not one. */
export function parseVersionNumber(modelName: string, text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw versionNotFound(modelName, text);
  return Number(text);
}

export function versionNotFound(modelName: string, given: number | string): SlipwayError {
  const shown = typeof given === 'number' ? given : JSON.stringify(given.slice(0, 40));
  return new SlipwayError(
    'VERSION_NOT_FOUND',
    `the model "${modelName}" has no version ${shown}; GET /v1/models/${modelName}/versions lists those that are there`,
  );
}

/** @param verb what an archived version cannot be: deployed, aliased. */
export function versionArchived(modelName: string, number: number, verb: string): SlipwayError {
  return new SlipwayError(
    'VERSION_ARCHIVED',
    `version ${number} of "${modelName}" is archived and cannot be ${verb}; POST /v1/models/${modelName}/versions/${number}/unarchive takes it out`,
  );
}

function aliasNotFound(modelName: string, alias: string): SlipwayError {
  return new SlipwayError(
    'ALIAS_NOT_FOUND',
    `the model "${modelName}" has no alias ${JSON.stringify(alias.slice(0, 128))}; GET /v1/models/${modelName}/aliases lists those that are there`,
  );
}
