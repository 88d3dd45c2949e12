import {
  type ChangeModel,
  type CreateModel,
  foldName,
  type ModelListQuery,
  type ModelView,
  type Page,
  type PageQuery,
  SlipwayError,
} from '@slipway/contracts';
import {
  type ChangeBy,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newId,
  type Prisma,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { escapeLike, joinPosition, sortOf, splitPosition, tagFilter } from '../paging/list-filters.js';
import { otherReferences } from '../versions/references.store.js';
import { type FoundModel, findModel, modelNotFound } from './find-model.store.js';
import { type AliasRow, type ModelRow, toModelView, type VersionCount } from './model-mapper.js';

const withAliases = { aliases: { orderBy: { name: 'asc' }, include: { version: { select: { number: true } } } } } as const;

/** What a list of models is asked for; without a sort it is by name. */
export type ModelList = PageQuery & Partial<Pick<ModelListQuery, 'search' | 'tag' | 'sort'>>;

const noCheck = () => Promise.resolve();

/** Models: named families of versions. */
export class ModelStore {
  constructor(private readonly db: Database) {}

  /** @throws SlipwayError MODEL_NAME_TAKEN when a model has the same name but for case. */
  async create(by: ChangeBy, wish: CreateModel, check: (tx: Transaction) => Promise<void> = noCheck): Promise<ModelView> {
    try {
      return await this.db.$transaction(async (tx) => {
        await check(tx);
        const row = await tx.model.create({
          data: {
            id: newId('mdl'),
            projectId: by.projectId,
            name: wish.name,
            nameFolded: foldName(wish.name),
            description: wish.description,
            tags: toJson(wish.tags),
          },
          include: withAliases,
        });
        const view = toModelView(row, { count: 0, latest: null });
        await recordModelEvent(tx, by, row, { action: 'model.created', after: view });
        return view;
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const there = await this.db.model.findUnique({ where: { projectId_nameFolded: { projectId: by.projectId, nameFolded: foldName(wish.name) } } });
      throw new SlipwayError(
        'MODEL_NAME_TAKEN',
        `the name "${wish.name}" is taken by the model "${there?.name ?? wish.name}"; names that differ only in case are the same`,
        {
          cause: error,
        },
      );
    }
  }

  /** Models of a project, in as many queries for a page of 200 as for one row. @throws SlipwayError CURSOR_INVALID */
  async list(projectId: string, query: ModelList): Promise<Page<ModelView>> {
    const { sort = 'name', search, tag, limit } = query;
    // A cursor belongs to its filters and its order; within another list it would point anywhere.
    const list = JSON.stringify(['models', projectId, sort, search ?? null, tag ?? null]);
    const { field, direction } = sortOf(sort);
    const byTime = field === 'createdAt';
    const rows = await this.db.model.findMany({
      where: { projectId, AND: [filterOf(query), afterOf(byTime, direction, decodeCursor(list, query.cursor))] },
      orderBy: byTime ? [{ createdAt: direction }, { id: direction }] : [{ nameFolded: direction }],
      take: limit + 1,
    });
    const ids = rows.slice(0, limit).map((row) => row.id);
    const [counts, aliases] = await Promise.all([countVersions(this.db, ids), readAliases(this.db, ids)]);
    return pageFrom(rows, {
      list,
      limit,
      positionOf: (row) => (byTime ? joinPosition(row.createdAt, row.id) : row.nameFolded),
      toView: (row) => viewWith({ ...row, aliases: aliases.get(row.id) ?? [] }, counts),
    });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND */
  async get(projectId: string, name: string): Promise<ModelView> {
    const { id } = await findModel(this.db, projectId, name);
    return readView(this.db, id, name);
  }

  /** Changes description and tags; tags are replaced whole. @throws SlipwayError MODEL_NOT_FOUND */
  async change(by: ChangeBy, name: string, wish: ChangeModel): Promise<ModelView> {
    return this.db.$transaction(async (tx) => {
      const model = await findModel(tx, by.projectId, name);
      await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for update`;
      const before = await readView(tx, model.id, name);
      await tx.model.update({
        where: { id: model.id },
        data: {
          ...(wish.description === undefined ? {} : { description: wish.description }),
          ...(wish.tags === undefined ? {} : { tags: toJson(wish.tags) }),
        },
      });
      const after = await readView(tx, model.id, name);
      await recordModelEvent(tx, by, model, { action: 'model.changed', before, after });
      return after;
    });
  }

  /**
   * Removes a model with its versions and aliases.
   * @returns the digests its versions referred to, for the caller to collect those that nothing refers to any more.
   * @throws SlipwayError MODEL_NOT_FOUND; MODEL_IN_USE naming the deployments that refer to it.
   */
  async remove(by: ChangeBy, name: string): Promise<readonly string[]> {
    return this.db.$transaction(async (tx) => {
      const model = await findModel(tx, by.projectId, name);
      // The row lock holds up uploads and new deployments of this model until the decision is written.
      await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for update`;
      const deployments = await tx.deployment.findMany({ where: { modelId: model.id }, orderBy: { name: 'asc' }, take: 11 });
      if (deployments.length > 0) throw modelInUse(model.name, deployments);
      const before = await readView(tx, model.id, name);
      const versions = await tx.version.findMany({
        where: { modelId: model.id },
        select: { id: true, digest: true, files: { select: { digest: true } } },
      });
      const others = [
        ...(await otherReferences(tx, 'Model', [model.id], ['Version', 'Alias', 'Deployment', 'Dataset', 'ModelGates'])),
        ...(await otherReferences(
          tx,
          'Version',
          versions.map((version) => version.id),
          ['Alias', 'VersionFile', 'Revision', 'Evaluation', 'ReferenceProfile'],
        )),
      ];
      if (others.length > 0) {
        throw new SlipwayError('MODEL_IN_USE', `the model "${model.name}" cannot be deleted while these refer to it: ${others.join(', ')}`, {
          places: others.map((path) => ({ path, message: 'refers to the model' })),
        });
      }
      await tx.alias.deleteMany({ where: { modelId: model.id } });
      await tx.version.deleteMany({ where: { modelId: model.id } });
      await tx.model.delete({ where: { id: model.id } });
      await recordModelEvent(tx, by, model, { action: 'model.deleted', before });
      return [...new Set(versions.flatMap((version) => [version.digest, ...version.files.map((file) => file.digest)]))];
    });
  }
}

function filterOf({ search, tag }: ModelList): Prisma.ModelWhereInput {
  return {
    ...(tag === undefined ? {} : { tags: tagFilter(tag) }),
    ...(search === undefined
      ? {}
      : { OR: [{ nameFolded: { contains: escapeLike(foldName(search)) } }, { description: { contains: escapeLike(search), mode: 'insensitive' } }] }),
  };
}

/** The rows behind a cursor's position. */
function afterOf(byTime: boolean, direction: 'asc' | 'desc', position: string | undefined): Prisma.ModelWhereInput {
  if (position === undefined) return {};
  const past = <Value>(value: Value) => (direction === 'asc' ? { gt: value } : { lt: value });
  if (!byTime) return { nameFolded: past(position) };
  const { at, tie } = splitPosition(position);
  return { OR: [{ createdAt: past(at) }, { createdAt: at, id: past(tie) }] };
}

async function readView(db: Database | Transaction, id: string, name: string): Promise<ModelView> {
  const row = await db.model.findUnique({ where: { id }, include: withAliases });
  if (row === null) throw modelNotFound(name);
  return viewWith(row, await countVersions(db, [row.id]));
}

/**
 * Two numbers per model in one query, however many models. Plain SQL, as in `readAliases`: lists are asked for often, and nested queries cost them
 * most of their time.
 */
async function countVersions(db: Database | Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, VersionCount>> {
  if (ids.length === 0) return new Map();
  const rows = await db.$queryRaw<{ modelId: string; count: number; latest: number }[]>`
    select "modelId", count(*)::int as "count", max("number") as "latest" from "Version" where "modelId" = any(${ids}) group by "modelId"`;
  return new Map(rows.map(({ modelId, count, latest }) => [modelId, { count, latest }]));
}

/** The aliases of some models, by name. */
async function readAliases(db: Database, ids: readonly string[]): Promise<ReadonlyMap<string, readonly AliasRow[]>> {
  if (ids.length === 0) return new Map();
  const rows = await db.$queryRaw<{ modelId: string; name: string; number: number; updatedAt: Date; updatedBy: string }[]>`
    select a."modelId", a."name", v."number", a."updatedAt", a."updatedBy" from "Alias" a join "Version" v on v."id" = a."versionId"
    where a."modelId" = any(${ids}) order by a."name"`;
  const byModel = new Map<string, AliasRow[]>();
  for (const { modelId, number, ...alias } of rows) {
    const aliases = byModel.get(modelId) ?? [];
    aliases.push({ ...alias, version: { number } });
    byModel.set(modelId, aliases);
  }
  return byModel;
}

function viewWith(row: ModelRow, counts: ReadonlyMap<string, VersionCount>): ModelView {
  return toModelView(row, counts.get(row.id) ?? { count: 0, latest: null });
}

function modelInUse(name: string, deployments: readonly { name: string; deletedAt: Date | null }[]): SlipwayError {
  const names = deployments.slice(0, 10).map((one) => (one.deletedAt === null ? one.name : `${one.name} (deleted; its history refers to the model)`));
  const more = deployments.length > names.length ? ' and more' : '';
  return new SlipwayError('MODEL_IN_USE', `the model "${name}" cannot be deleted while deployments refer to it: ${names.join(', ')}${more}`, {
    places: deployments.slice(0, 10).map((one) => ({ path: `deployments/${one.name}`, message: 'refers to the model' })),
  });
}

async function recordModelEvent(
  tx: Transaction,
  by: ChangeBy,
  model: Pick<FoundModel, 'id' | 'name'>,
  change: { action: string; before?: ModelView; after?: ModelView },
): Promise<void> {
  await recordEvent(tx, { ...by, ...change, subject: { kind: 'model', id: model.id, name: model.name } });
}
