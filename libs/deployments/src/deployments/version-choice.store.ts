import { foldName, SlipwayError } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

export interface ChosenVersion {
  readonly modelId: string;
  readonly modelName: string;
  readonly versionId: string;
  readonly versionNumber: number;
}

export interface VersionChoice {
  readonly version?: number | undefined;
  readonly alias?: string | undefined;
}

/** The model by name. @throws SlipwayError MODEL_NOT_FOUND */
export async function findModel(tx: Transaction, projectId: string, name: string): Promise<{ id: string; name: string }> {
  const model = await tx.model.findUnique({
    where: { projectId_nameFolded: { projectId, nameFolded: foldName(name) } },
    select: { id: true, name: true },
  });
  if (model === null) throw new SlipwayError('MODEL_NOT_FOUND', `there is no model "${name}" in this project`);
  return model;
}

/**
 * The version that is meant, by number or by alias; an alias is resolved now and never again.
 * @throws SlipwayError VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_READY (with its status and reasons), VERSION_ARCHIVED
 */
export async function chooseVersion(tx: Transaction, model: { id: string; name: string }, choice: VersionChoice): Promise<ChosenVersion> {
  const version = choice.alias === undefined ? await byNumber(tx, model, choice.version ?? 0) : await byAlias(tx, model, choice.alias);
  if (!(await isHeld(tx, version.id))) throw noVersion(model.name, version.number);
  if (version.status !== 'READY') {
    const reasons = Array.isArray(version.reasons) && version.reasons.length > 0 ? `: ${version.reasons.join('; ')}` : '';
    throw new SlipwayError(
      'VERSION_NOT_READY',
      `version ${version.number} of model "${model.name}" is ${version.status}${reasons}; only a READY version can be deployed`,
    );
  }
  if (version.archivedAt !== null) {
    throw new SlipwayError(
      'VERSION_ARCHIVED',
      `version ${version.number} of model "${model.name}" is archived; take it out of the archive before it is deployed`,
    );
  }
  return { modelId: model.id, modelName: model.name, versionId: version.id, versionNumber: version.number };
}

/** Keeps the version from being deleted until this transaction ends; false when that has happened already. */
async function isHeld(tx: Transaction, versionId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<{ id: string }[]>`select id from "Version" where id = ${versionId} for key share`;
  return rows.length === 1;
}

function noVersion(model: string, number: number): SlipwayError {
  return new SlipwayError('VERSION_NOT_FOUND', `model "${model}" has no version ${number}`);
}

const columns = { id: true, number: true, status: true, reasons: true, archivedAt: true } as const;

async function byNumber(tx: Transaction, model: { id: string; name: string }, number: number) {
  const version = await tx.version.findUnique({ where: { modelId_number: { modelId: model.id, number } }, select: columns });
  if (version === null) throw noVersion(model.name, number);
  return version;
}

/** Names that differ only in case are the same name; a model has few aliases. */
async function byAlias(tx: Transaction, model: { id: string; name: string }, name: string) {
  const aliases = await tx.alias.findMany({ where: { modelId: model.id }, select: { name: true, version: { select: columns } } });
  const alias = aliases.find((each) => foldName(each.name) === foldName(name));
  if (alias === undefined) throw new SlipwayError('ALIAS_NOT_FOUND', `model "${model.name}" has no alias "${name}"`);
  return alias.version;
}
