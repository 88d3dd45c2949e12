import {
  type ChangeVersion,
  type Page,
  type PageQuery,
  SlipwayError,
  type Task,
  type VersionDetail,
  type VersionFileView,
  type VersionListQuery,
  type VersionView,
} from '@slipway/contracts';
import {
  type ChangeBy,
  channels,
  type Database,
  decodeCursor,
  enqueue,
  newId,
  nudge,
  type Prisma,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { modelFileName } from '../artefacts/file-manifest.js';
import { type FoundModel, findModel, modelNotFound } from '../models/find-model.store.js';
import { escapeLike, joinPosition, sortOf, splitPosition, tagFilter } from '../paging/list-filters.js';
import { checkTask } from './check-task.js';
import { findVersion, versionNotFound } from './find-version.store.js';
import { otherReferences } from './references.store.js';
import { validateVersion, validateVersionJobId } from './validate-version.job.js';
import type { VersionMetadata } from './version-facts.js';
import { toVersionDetail, toVersionView } from './version-mapper.js';

/** An artefact that has arrived and passed the look at its structure. */
export interface NewVersion {
  readonly digest: string;
  /** Of all files together. */
  readonly sizeBytes: number;
  /** All files, the model first, when there is external data; `digest` is then that of their manifest. */
  readonly files?: readonly VersionFileView[];
  readonly fileName: string | undefined;
  readonly description: string | undefined;
  readonly card?: string | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly provenance: Readonly<Record<string, unknown>> | undefined;
  readonly task: Task | undefined;
  readonly metadata: VersionMetadata;
}

/** What a list of versions is asked for; without a sort it is the newest first, without `archived` it leaves archived ones out. */
export type VersionList = PageQuery & Partial<Pick<VersionListQuery, 'search' | 'tag' | 'status' | 'archived' | 'sort'>>;

/** Versions: immutable artefacts of a model, numbered 1, 2, 3 … */
export class VersionStore {
  constructor(private readonly db: Database) {}

  /**
   * Adds a version in VALIDATING and the job that validates it. The number comes from the model's counter in the same transaction:
   * no two versions share one, none is given twice, and one that is not used up by a commit is not lost.
   * @throws SlipwayError MODEL_NOT_FOUND when the model went away meanwhile; REQUEST_INVALID when it says to be derived from a version
   * that the model does not have.
   */
  async create(tx: Transaction, by: ChangeBy, model: FoundModel, wish: NewVersion): Promise<VersionDetail> {
    const number = await takeNumber(tx, model);
    await refuseUnknownOrigin(tx, model, wish.provenance?.['derivedFrom']);
    const row = await tx.version.create({
      data: {
        id: newId('ver'),
        modelId: model.id,
        number,
        status: 'VALIDATING',
        digest: wish.digest,
        sizeBytes: BigInt(wish.sizeBytes),
        fileName: wish.fileName ?? null,
        description: wish.description ?? '',
        card: wish.card ?? '',
        tags: toJson(wish.tags ?? {}),
        provenance: toJson(wish.provenance ?? {}),
        ...(wish.task === undefined ? {} : { task: toJson(wish.task) }),
        metadata: toJson(wish.metadata),
        createdBy: by.actor,
        ...(wish.files === undefined ? {} : { files: { create: wish.files.map((file) => ({ ...file, sizeBytes: BigInt(file.sizeBytes) })) } }),
      },
    });
    const view = toVersionDetail(row, model.name);
    await recordVersionEvent(tx, by, { action: 'version.created', after: view });
    await enqueue(tx, validateVersion, { versionId: row.id }, validateVersionJobId(row.id));
    return view;
  }

  /** Versions of a model, without their cards. @throws SlipwayError MODEL_NOT_FOUND, CURSOR_INVALID */
  async list(projectId: string, modelName: string, query: VersionList): Promise<Page<VersionView>> {
    const { sort = '-version', search, tag, status, archived = false, limit } = query;
    const model = await findModel(this.db, projectId, modelName);
    // A cursor belongs to its filters and its order; within another list it would point anywhere.
    const list = JSON.stringify(['versions', model.id, sort, search ?? null, tag ?? null, status ?? null, archived]);
    const { field, direction } = sortOf(sort);
    const byTime = field === 'createdAt';
    const rows = await this.db.version.findMany({
      where: { modelId: model.id, AND: [filterOf(query), afterOf(byTime, direction, decodeCursor(list, query.cursor))] },
      orderBy: byTime ? [{ createdAt: direction }, { number: direction }] : [{ number: direction }],
      take: limit + 1,
      omit: { card: true },
    });
    return pageFrom(rows, {
      list,
      limit,
      positionOf: (row) => (byTime ? joinPosition(row.createdAt, row.number) : String(row.number)),
      toView: (row) => toVersionView(row, model.name),
    });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async get(projectId: string, modelName: string, number: number): Promise<VersionDetail> {
    const { model, row } = await findVersion(this.db, projectId, modelName, { version: number });
    return toVersionDetail(row, model.name);
  }

  /** The files of a version, the model first. @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async files(projectId: string, modelName: string, number: number): Promise<readonly VersionFileView[]> {
    const { row } = await findVersion(this.db, projectId, modelName, { version: number });
    const files = await this.db.versionFile.findMany({ where: { versionId: row.id }, orderBy: { name: 'asc' } });
    if (files.length === 0) return [{ name: modelFileName, sizeBytes: Number(row.sizeBytes), digest: row.digest }];
    const views = files.map(({ name, digest, sizeBytes }) => ({ name, sizeBytes: Number(sizeBytes), digest }));
    return [...views.filter((file) => file.name === modelFileName), ...views.filter((file) => file.name !== modelFileName)];
  }

  /**
   * Changes what people say about a version; the artefact itself never changes.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; TASK_REFUSED when the task cannot be true of the signature;
   * VERSION_NOT_READY when a task is given before the signature is known.
   */
  async change(by: ChangeBy, modelName: string, number: number, wish: ChangeVersion): Promise<VersionDetail> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockVersion(tx, by.projectId, modelName, number);
      const before = toVersionDetail(row, model.name);
      if (wish.task !== undefined) refuseTask(wish.task, before);
      const changed = await tx.version.update({
        where: { id: row.id },
        data: {
          ...(wish.description === undefined ? {} : { description: wish.description }),
          ...(wish.card === undefined ? {} : { card: wish.card }),
          ...(wish.tags === undefined ? {} : { tags: toJson(wish.tags) }),
          ...(wish.task === undefined ? {} : { task: toJson(wish.task) }),
          rowVersion: { increment: 1 },
        },
      });
      const after = toVersionDetail(changed, model.name);
      await recordVersionEvent(tx, by, { action: 'version.changed', before, after });
      // Gateways carry the task of what they serve.
      if (wish.task !== undefined) await nudge(tx, channels.routing);
      return after;
    });
  }

  /**
   * Hides a version from lists and keeps it from being deployed or aliased; everything about it stays. Harmless when it is archived.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; VERSION_NOT_READY while it is validated; VERSION_IN_USE while an alias points
   * to it or a deployment serves it or is on its way to it.
   */
  async archive(by: ChangeBy, modelName: string, number: number, reason?: string): Promise<VersionDetail> {
    return this.setArchived(by, { modelName, number, reason, action: 'version.archived' });
  }

  /** Takes a version out of the archive. @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async unarchive(by: ChangeBy, modelName: string, number: number, reason?: string): Promise<VersionDetail> {
    return this.setArchived(by, { modelName, number, reason, action: 'version.unarchived' });
  }

  private async setArchived(
    by: ChangeBy,
    wish: { modelName: string; number: number; reason: string | undefined; action: 'version.archived' | 'version.unarchived' },
  ): Promise<VersionDetail> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockVersion(tx, by.projectId, wish.modelName, wish.number);
      const before = toVersionDetail(row, model.name);
      const isWished = wish.action === 'version.archived';
      if ((row.archivedAt !== null) === isWished) return before;
      if (isWished) await refuseArchiving(tx, before);
      const changed = await tx.version.update({
        where: { id: row.id },
        data: { archivedAt: isWished ? new Date() : null, archivedBy: isWished ? by.actor : null, rowVersion: { increment: 1 } },
      });
      const after = toVersionDetail(changed, model.name);
      await recordVersionEvent(tx, by, { action: wish.action, reason: wish.reason, before, after });
      return after;
    });
  }

  /**
   * @returns the digests it referred to, for the caller to collect the artefacts that nothing refers to any more.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; VERSION_IN_USE naming what refers to it: aliases, revisions of deployments (also
   * of deleted ones: their history), and whatever else the database knows.
   */
  async remove(by: ChangeBy, modelName: string, number: number): Promise<readonly string[]> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockVersion(tx, by.projectId, modelName, number);
      // What a version showed in evaluations, and its reference profiles, are a part of it.
      const own = ['Alias', 'Revision', 'VersionFile', 'Evaluation', 'ReferenceProfile'];
      const users = [...(await usersOf(tx, row.id)), ...(await otherReferences(tx, 'Version', [row.id], own))];
      if (users.length > 0) throw inUse(model.name, row.number, 'deleted', users, '; archive it instead');
      const files = await tx.versionFile.findMany({ where: { versionId: row.id }, select: { digest: true } });
      await tx.version.delete({ where: { id: row.id } });
      await recordVersionEvent(tx, by, { action: 'version.deleted', before: toVersionDetail(row, model.name) });
      return [...new Set([row.digest, ...files.map((file) => file.digest)])];
    });
  }
}

function filterOf({ search, tag, status, archived = false }: VersionList): Prisma.VersionWhereInput {
  const part = (text: string) => ({ contains: escapeLike(text), mode: 'insensitive' as const });
  return {
    ...(archived ? {} : { archivedAt: null }),
    ...(status === undefined ? {} : { status }),
    ...(tag === undefined ? {} : { tags: tagFilter(tag) }),
    ...(search === undefined ? {} : { OR: [{ description: part(search) }, { fileName: part(search) }] }),
  };
}

/** The rows behind a cursor's position. */
function afterOf(byTime: boolean, direction: 'asc' | 'desc', position: string | undefined): Prisma.VersionWhereInput {
  if (position === undefined) return {};
  const past = <Value>(value: Value) => (direction === 'asc' ? { gt: value } : { lt: value });
  if (!byTime) return { number: past(Number(position)) };
  const { at, tie } = splitPosition(position);
  return { OR: [{ createdAt: past(at) }, { createdAt: at, number: past(Number(tie)) }] };
}

async function refuseUnknownOrigin(tx: Transaction, model: FoundModel, number: unknown): Promise<void> {
  if (typeof number !== 'number') return;
  const origin = await tx.version.findUnique({ where: { modelId_number: { modelId: model.id, number } }, select: { id: true } });
  if (origin !== null) return;
  const message = `expected the number of a version of "${model.name}" that is there; given ${number}`;
  throw new SlipwayError('REQUEST_INVALID', `provenance.derivedFrom: ${message}`, { places: [{ path: 'provenance.derivedFrom', message }] });
}

/** A version that people are sent to, or soon would be, stays in sight. */
async function refuseArchiving(tx: Transaction, version: VersionDetail): Promise<void> {
  if (version.status !== 'READY' && version.status !== 'REJECTED') {
    throw new SlipwayError(
      'VERSION_NOT_READY',
      `version ${version.version} of "${version.model}" can be archived once it is validated; its status is ${version.status}`,
    );
  }
  const aliases = await tx.alias.findMany({ where: { versionId: version.id }, orderBy: { name: 'asc' }, take: 10 });
  const serving = await tx.$queryRaw<{ name: string; number: number; shadows: boolean }[]>`
    select d."name", r."number", s."id" is not null as "shadows"
    from "Revision" r join "Deployment" d on d."id" = r."deploymentId"
    left join "Shadow" s on s."revisionId" = r."id" and s."endedAt" is null
    where r."versionId" = ${version.id} and d."deletedAt" is null
      and (r."id" in (d."desiredRevisionId", d."activeRevisionId") or s."id" is not null)
    order by 1, 2 limit 10`;
  const users = [
    ...aliases.map((alias) => `alias ${alias.name}`),
    ...serving.map(({ name, number, shadows }) => `deployment ${name} ${shadows ? 'shadow ' : ''}revision ${number}`),
  ];
  if (users.length > 0) throw inUse(version.model, version.version, 'archived', users);
}

function inUse(model: string, number: number, verb: string, users: readonly string[], hint = ''): SlipwayError {
  return new SlipwayError('VERSION_IN_USE', `version ${number} of "${model}" cannot be ${verb} while these refer to it: ${users.join(', ')}${hint}`, {
    places: users.map((path) => ({ path, message: 'refers to the version' })),
  });
}

/** Counting up takes the model's row lock, so parallel uploads wait for each other here and nowhere else. */
async function takeNumber(tx: Transaction, model: FoundModel): Promise<number> {
  const taken = await tx.$queryRaw<{ number: number }[]>`
    update "Model" set "nextVersion" = "nextVersion" + 1 where "id" = ${model.id} returning "nextVersion" - 1 as "number"`;
  const number = taken[0]?.number;
  if (number === undefined) throw modelNotFound(model.name);
  return number;
}

/** The row as it is once nobody else can change it, or refer to it anew, until this transaction ends. */
async function lockVersion(tx: Transaction, projectId: string, modelName: string, number: number) {
  const { row } = await findVersion(tx, projectId, modelName, { version: number });
  const locked = await tx.$queryRaw<unknown[]>`select 1 from "Version" where "id" = ${row.id} for update`;
  if (locked.length === 0) throw versionNotFound(modelName, number);
  return findVersion(tx, projectId, modelName, { version: number });
}

function refuseTask(task: Task, version: VersionView): void {
  if (version.signature === null) {
    throw new SlipwayError(
      'VERSION_NOT_READY',
      `a task is checked against the signature, and version ${version.version} of "${version.model}" has none: its status is ${version.status}`,
    );
  }
  const problems = checkTask(task, version.signature);
  if (problems.length > 0) throw taskRefused(problems);
}

/** A task that cannot be true of the model. */
export function taskRefused(problems: readonly string[]): SlipwayError {
  return new SlipwayError('TASK_REFUSED', `the task does not fit the model: ${problems.join('; ')}`, {
    places: problems.map((message) => ({ path: 'task', message })),
  });
}

/** Who refers to a version, as people name them; at most 20. */
async function usersOf(tx: Transaction, versionId: string): Promise<readonly string[]> {
  const aliases = await tx.alias.findMany({ where: { versionId }, orderBy: { name: 'asc' }, take: 10 });
  const revisions = await tx.revision.findMany({
    where: { versionId },
    orderBy: [{ deploymentId: 'asc' }, { number: 'asc' }],
    take: 10,
    include: { deployment: { select: { name: true, deletedAt: true } } },
  });
  return [
    ...aliases.map((alias) => `alias ${alias.name}`),
    ...revisions.map(
      ({ number, deployment }) => `deployment ${deployment.name}${deployment.deletedAt === null ? '' : ' (deleted)'} revision ${number}`,
    ),
  ];
}

async function recordVersionEvent(
  tx: Transaction,
  by: ChangeBy,
  change: { action: string; reason?: string | undefined; before?: VersionDetail; after?: VersionDetail },
): Promise<void> {
  const view = change.after ?? change.before;
  if (view === undefined) return;
  await recordEvent(tx, { ...by, ...change, subject: { kind: 'version', id: view.id, name: `${view.model}/${view.version}` } });
}
