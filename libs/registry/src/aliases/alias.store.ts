import { foldName, ResourceName, type SetAlias, SlipwayError } from '@slipway/contracts';
import { type ChangeBy, type Database, recordEvent } from '@slipway/platform';
import { refuseUnmetGates } from '../evaluations/gate-facts.store.js';
import { findModel } from '../models/find-model.store.js';
import { type AliasView, toAliasView } from '../models/model-mapper.js';
import { findAlias, findVersion, versionArchived, versionNotFound } from '../versions/find-version.store.js';

const aliasesPerModel = 200;
const withNumber = { version: { select: { number: true } } } as const;

/** Aliases: movable names for versions of a model. */
export class AliasStore {
  constructor(private readonly db: Database) {}

  /** All aliases of a model; there are never more than 200. @throws SlipwayError MODEL_NOT_FOUND */
  async list(projectId: string, modelName: string): Promise<readonly AliasView[]> {
    const model = await findModel(this.db, projectId, modelName);
    const rows = await this.db.alias.findMany({ where: { modelId: model.id }, orderBy: { name: 'asc' }, take: aliasesPerModel, include: withNumber });
    return rows.map(toAliasView);
  }

  /**
   * Makes the alias or moves it; a name that differs only in case moves the one that is there.
   * @throws SlipwayError REQUEST_INVALID, MODEL_NOT_FOUND, VERSION_NOT_FOUND; VERSION_NOT_READY for a rejected version, VERSION_ARCHIVED for one in the
   * archive; ALIAS_REFUSED over 200; GATE_NOT_MET.
   */
  async set(by: ChangeBy, modelName: string, name: string, wish: SetAlias): Promise<AliasView> {
    refuseName(name);
    return this.db.$transaction(async (tx) => {
      const { model, row } = await findVersion(tx, by.projectId, modelName, { version: wish.version });
      if (row.status === 'REJECTED') {
        throw new SlipwayError(
          'VERSION_NOT_READY',
          `an alias points to a version that can be served; version ${row.number} of "${model.name}" was rejected`,
        );
      }
      // Two moves of one alias follow each other, so that each event's "before" is the other's "after".
      await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for no key update`;
      // Archiving and deleting lock the row for update, so what is read here stays true until the alias is written.
      const locked = await tx.$queryRaw<{ isArchived: boolean }[]>`
        select "archivedAt" is not null as "isArchived" from "Version" where "id" = ${row.id} for key share`;
      const [held] = locked;
      if (held === undefined) throw versionNotFound(model.name, wish.version);
      if (held.isArchived) throw versionArchived(model.name, row.number, 'aliased');
      const overridden = await refuseUnmetGates(tx, { id: row.id, alias: name }, wish.overrideGates);
      const there = await tx.alias.findMany({ where: { modelId: model.id }, include: withNumber });
      const before = there.find((alias) => foldName(alias.name) === foldName(name));
      if (before === undefined && there.length >= aliasesPerModel) {
        throw new SlipwayError('ALIAS_REFUSED', `a model has at most ${aliasesPerModel} aliases; "${model.name}" has ${there.length}`);
      }
      const written = { versionId: row.id, updatedBy: by.actor, updatedAt: new Date() };
      const key = { modelId: model.id, name: before?.name ?? name };
      const after = await tx.alias.upsert({ where: { modelId_name: key }, create: { ...key, ...written }, update: written, include: withNumber });
      await recordEvent(tx, {
        ...by,
        action: 'alias.set',
        subject: { kind: 'alias', id: `${model.id}/${key.name}`, name: `${model.name}/${key.name}` },
        reason: wish.reason,
        ...(before === undefined ? {} : { before: toAliasView(before) }),
        after: overridden === undefined ? toAliasView(after) : { ...toAliasView(after), overriddenGates: overridden },
      });
      return toAliasView(after);
    });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, ALIAS_NOT_FOUND */
  async remove(by: ChangeBy, modelName: string, name: string, reason?: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const model = await findModel(tx, by.projectId, modelName);
      await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for no key update`;
      const before = await findAlias(tx, model, name);
      await tx.alias.delete({ where: { modelId_name: { modelId: model.id, name: before.name } } });
      await recordEvent(tx, {
        ...by,
        action: 'alias.removed',
        subject: { kind: 'alias', id: `${model.id}/${before.name}`, name: `${model.name}/${before.name}` },
        reason,
        before: toAliasView(before),
      });
    });
  }
}

function refuseName(name: string): void {
  const checked = ResourceName.safeParse(name);
  if (checked.success) return;
  const message = checked.error.issues[0]?.message ?? 'not a name';
  throw new SlipwayError('REQUEST_INVALID', `alias: ${message}; given ${JSON.stringify(name.slice(0, 128))}`, {
    places: [{ path: 'alias', message }],
  });
}
