import { type ChangeVersion, type Page, type PageQuery, SlipwayError, type Task, type VersionView } from '@slipway/contracts';
import {
  type ChangeBy,
  channels,
  type Database,
  decodeCursor,
  enqueue,
  newId,
  nudge,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { type FoundModel, findModel, modelNotFound } from '../models/find-model.store.js';
import { checkTask } from './check-task.js';
import { findVersion, versionNotFound } from './find-version.store.js';
import { validateVersion, validateVersionJobId } from './validate-version.job.js';
import type { VersionMetadata } from './version-facts.js';
import { toVersionView } from './version-mapper.js';

/** An artefact that has arrived and passed the look at its structure. */
export interface NewVersion {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly fileName: string | undefined;
  readonly description: string | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly provenance: Readonly<Record<string, unknown>> | undefined;
  readonly task: Task | undefined;
  readonly metadata: VersionMetadata;
}

/** Versions: immutable artefacts of a model, numbered 1, 2, 3 … */
export class VersionStore {
  constructor(private readonly db: Database) {}

  /**
   * Adds a version in VALIDATING and the job that validates it. The number comes from the model's counter in the same transaction:
   * no two versions share one, none is given twice, and one that is not used up by a commit is not lost.
   * @throws SlipwayError MODEL_NOT_FOUND when the model went away meanwhile.
   */
  async create(tx: Transaction, by: ChangeBy, model: FoundModel, wish: NewVersion): Promise<VersionView> {
    const number = await takeNumber(tx, model);
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
        tags: toJson(wish.tags ?? {}),
        provenance: toJson(wish.provenance ?? {}),
        ...(wish.task === undefined ? {} : { task: toJson(wish.task) }),
        metadata: toJson(wish.metadata),
        createdBy: by.actor,
      },
    });
    const view = toVersionView(row, model.name);
    await recordVersionEvent(tx, by, { action: 'version.created', after: view });
    await enqueue(tx, validateVersion, { versionId: row.id }, validateVersionJobId(row.id));
    return view;
  }

  /** Versions of a model, newest first. @throws SlipwayError MODEL_NOT_FOUND, CURSOR_INVALID */
  async list(projectId: string, modelName: string, query: PageQuery): Promise<Page<VersionView>> {
    const model = await findModel(this.db, projectId, modelName);
    const list = `versions:${model.id}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.version.findMany({
      where: { modelId: model.id, ...(before === undefined ? {} : { number: { lt: Number(before) } }) },
      orderBy: { number: 'desc' },
      take: query.limit + 1,
    });
    return pageFrom(rows, { list, limit: query.limit, positionOf: (row) => String(row.number), toView: (row) => toVersionView(row, model.name) });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async get(projectId: string, modelName: string, number: number): Promise<VersionView> {
    const { model, row } = await findVersion(this.db, projectId, modelName, { version: number });
    return toVersionView(row, model.name);
  }

  /**
   * Changes what people say about a version; the artefact itself never changes.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; TASK_REFUSED when the task cannot be true of the signature;
   * VERSION_NOT_READY when a task is given before the signature is known.
   */
  async change(by: ChangeBy, modelName: string, number: number, wish: ChangeVersion): Promise<VersionView> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockVersion(tx, by.projectId, modelName, number);
      const before = toVersionView(row, model.name);
      if (wish.task !== undefined) refuseTask(wish.task, before);
      const changed = await tx.version.update({
        where: { id: row.id },
        data: {
          ...(wish.description === undefined ? {} : { description: wish.description }),
          ...(wish.tags === undefined ? {} : { tags: toJson(wish.tags) }),
          ...(wish.task === undefined ? {} : { task: toJson(wish.task) }),
          rowVersion: { increment: 1 },
        },
      });
      const after = toVersionView(changed, model.name);
      await recordVersionEvent(tx, by, { action: 'version.changed', before, after });
      // Gateways carry the task of what they serve.
      if (wish.task !== undefined) await nudge(tx, channels.routing);
      return after;
    });
  }

  /**
   * @returns the digest it referred to, for the caller to collect the artefact when nothing refers to it any more.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; VERSION_IN_USE naming aliases and deployments that refer to it.
   */
  async remove(by: ChangeBy, modelName: string, number: number): Promise<string> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockVersion(tx, by.projectId, modelName, number);
      const users = await usersOf(tx, row.id);
      if (users.length > 0) {
        throw new SlipwayError(
          'VERSION_IN_USE',
          `version ${row.number} of "${model.name}" cannot be deleted while these refer to it: ${users.join(', ')}`,
          {
            places: users.map((path) => ({ path, message: 'refers to the version' })),
          },
        );
      }
      await tx.version.delete({ where: { id: row.id } });
      await recordVersionEvent(tx, by, { action: 'version.deleted', before: toVersionView(row, model.name) });
      return row.digest;
    });
  }
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
  change: { action: string; before?: VersionView; after?: VersionView },
): Promise<void> {
  const view = change.after ?? change.before;
  if (view === undefined) return;
  await recordEvent(tx, { ...by, ...change, subject: { kind: 'version', id: view.id, name: `${view.model}/${view.version}` } });
}
