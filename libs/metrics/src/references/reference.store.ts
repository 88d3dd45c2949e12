import {
  limits,
  type Page,
  type PageQuery,
  ReferenceBody,
  type ReferenceDetail,
  type ReferenceItem,
  type ReferenceOrigin,
  SlipwayError,
} from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, enqueue, newId, pageFrom, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { buildReferenceJobId, buildReferenceProfile } from './build-reference.job.js';
import { digestOf } from './digest-of.js';
import { isFromTraffic, type ReferenceRow, type RowFile, toReferenceDetail, toReferenceItem, withoutBody } from './reference-mapper.js';

const idPattern = /^ref_[0-9A-Z]{26}$/;

/** The version that a reference is of, with the names that people know it by; an app asks the registry for it. */
export interface ReferencedVersion {
  readonly projectId: string;
  readonly modelId: string;
  readonly model: string;
  readonly versionId: string;
  readonly version: number;
}

/** A file of rows that lies in the artefact store, to be made into a reference. */
export interface ReferenceInput {
  readonly shown: Extract<ReferenceOrigin, { kind: 'dataset' | 'file' }>;
  readonly file: RowFile;
}

/** Reference profiles as people wish and see them. */
export class ReferenceStore {
  constructor(private readonly db: Database) {}

  /**
   * Queues the making of a reference from rows. The caller holds the lock of the file's digest when it is a new one.
   * @throws SlipwayError REFERENCE_UNFINISHED while another one is made of rows.
   */
  async create(tx: Transaction, by: ChangeBy, of: ReferencedVersion, input: ReferenceInput): Promise<ReferenceItem> {
    const origin = { shown: input.shown, file: input.file };
    const row = await insert(tx, by, of, { source: 'uploaded', origin, inputDigest: input.shown.digest });
    if (row === undefined)
      throw new SlipwayError(
        'REFERENCE_UNFINISHED',
        `a reference profile of version ${of.version} of "${of.model}" is being made; wait until it is ready, or delete it`,
      );
    await enqueue(tx, buildReferenceProfile, { referenceId: row.id }, buildReferenceJobId(row.id));
    return this.tell(tx, by, of, { row, action: 'reference.created' });
  }

  /**
   * Takes over the active reference of another version, which the caller has found to take and give the same.
   * @throws SlipwayError REFERENCE_NOT_FOUND when that one has none.
   */
  async inherit(by: ChangeBy, of: ReferencedVersion, from: { readonly versionId: string; readonly version: number }): Promise<ReferenceItem> {
    return this.db.$transaction(async (tx) => {
      const active = await activeRow(tx, from.versionId);
      if (active === null) throw noActive(of.model, from.version);
      const shown = { kind: 'version' as const, version: from.version, reference: active.id };
      const now = new Date();
      const made = await tx.referenceProfile.create({
        data: {
          ...ownerOf(of),
          id: newId('ref'),
          source: 'inherited',
          status: 'READY',
          origin: toJson({ shown, isFromTraffic: isFromTraffic(active) }),
          rows: active.rows,
          labelled: active.labelled,
          digest: active.digest,
          body: toJson(active.body),
          createdBy: by.actor,
          createdAt: now,
          readyAt: now,
        },
        select: withoutBody,
      });
      await forgetOld(tx, of.versionId);
      return this.tell(tx, by, of, { row: made, action: 'reference.created' });
    });
  }

  /**
   * Begins to learn a reference from the rows answered from now on; one that is being learned begins anew. Until it is ready the one before
   * stays active.
   */
  async learn(
    by: ChangeBy,
    of: ReferencedVersion,
    wish: { readonly rowsWanted: number; readonly now: Date; readonly reason?: string | undefined },
  ): Promise<ReferenceItem> {
    return this.db.$transaction(async (tx) => {
      const origin = { shown: { kind: 'traffic' as const, since: wish.now.toISOString(), rowsWanted: wish.rowsWanted } };
      const removed = await tx.referenceProfile.deleteMany({ where: { versionId: of.versionId, source: 'learned', status: 'BUILDING' } });
      const row = await insert(tx, by, of, { source: 'learned', origin });
      if (row === undefined)
        throw new SlipwayError('REFERENCE_UNFINISHED', 'another reference has just begun to be learned; send it again to begin anew');
      const action = removed.count > 0 ? 'reference.learning-restarted' : 'reference.learning-started';
      return this.tell(tx, by, of, { row, action, reason: wish.reason });
    });
  }

  /** The newest first. @throws SlipwayError CURSOR_INVALID */
  async list(of: ReferencedVersion, query: PageQuery): Promise<Page<ReferenceItem>> {
    const list = `references:${of.versionId}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.referenceProfile.findMany({
      where: { versionId: of.versionId, ...(before === undefined ? {} : { id: { lt: before } }) },
      orderBy: { id: 'desc' },
      take: query.limit + 1,
      select: withoutBody,
    });
    const activeId = await activeIdOf(this.db, of.versionId);
    return pageFrom(rows, {
      list,
      limit: query.limit,
      positionOf: (row) => row.id,
      toView: (row: ReferenceRow) => toReferenceItem(row, of.model, activeId),
    });
  }

  /** @throws SlipwayError REFERENCE_NOT_FOUND */
  async get(of: ReferencedVersion, id: string): Promise<ReferenceDetail> {
    const row = idPattern.test(id)
      ? await this.db.referenceProfile.findFirst({ where: { id, versionId: of.versionId }, select: { ...withoutBody, body: true } })
      : null;
    if (row === null) throw notFound(of, id);
    return toReferenceDetail(toReferenceItem(row, of.model, await activeIdOf(this.db, of.versionId)), row.body);
  }

  /** The one that judgements stand on now. @throws SlipwayError REFERENCE_NOT_FOUND */
  async getActive(of: ReferencedVersion): Promise<ReferenceDetail> {
    const row = await activeRow(this.db, of.versionId);
    if (row === null) throw noActive(of.model, of.version);
    return toReferenceDetail(toReferenceItem(row, of.model, row.id), row.body);
  }

  /**
   * Removes one; what is in the making ends with it, and of those that are left the newest that is ready is active.
   * @returns the digest of its file, for the caller to collect; undefined when it has none.
   * @throws SlipwayError REFERENCE_NOT_FOUND
   */
  async remove(by: ChangeBy, of: ReferencedVersion, id: string): Promise<string | undefined> {
    return this.db.$transaction(async (tx) => {
      const row = idPattern.test(id) ? await tx.referenceProfile.findFirst({ where: { id, versionId: of.versionId }, select: withoutBody }) : null;
      const before = row === null ? undefined : toReferenceItem(row, of.model, await activeIdOf(tx, of.versionId));
      const { count } = await tx.referenceProfile.deleteMany({ where: { id, versionId: of.versionId } });
      if (row === null || before === undefined || count === 0) throw notFound(of, id);
      await recordEvent(tx, { ...by, action: 'reference.deleted', subject: subjectOf(before), before });
      return row.inputDigest ?? undefined;
    });
  }

  private async tell(
    tx: Transaction,
    by: ChangeBy,
    of: ReferencedVersion,
    { row, action, reason }: { readonly row: ReferenceRow; readonly action: string; readonly reason?: string | undefined },
  ): Promise<ReferenceItem> {
    const after = toReferenceItem(row, of.model, await activeIdOf(tx, of.versionId));
    await recordEvent(tx, { ...by, action, subject: subjectOf(after), after, ...(reason === undefined ? {} : { reason }) });
    return after;
  }
}

/** A reference that judgements of a version stand on. */
export interface ActiveReference {
  readonly id: string;
  readonly digest: string;
  readonly source: ReferenceItem['source'];
  readonly createdAtMs: number;
  /** False where it was learned from live rows, by this version or the one that it was taken over from: those may be of a few hours of a day. */
  readonly coversDays: boolean;
  readonly body: ReferenceBody;
}

/** Bodies kept in memory: some hundred kB each. */
const cachedBodies = 64;

/** The active references of versions, for judges and for those who count by their layouts. Bodies never change, so they are read once. */
export class ActiveReferenceStore {
  private readonly bodies = new Map<string, ReferenceBody>();

  constructor(private readonly db: Database) {}

  /** The newest reference that is ready; undefined when there is none. */
  async activeReference(versionId: string): Promise<ActiveReference | undefined> {
    const row = await this.db.referenceProfile.findFirst({ where: { versionId, status: 'READY' }, orderBy: { id: 'desc' }, select: withoutBody });
    if (row?.digest === null || row === null) return undefined;
    const body = await this.bodyOf(row.id, row.digest);
    const { source } = toReferenceItem(row, '', row.id);
    if (body === undefined) return undefined;
    return { id: row.id, digest: row.digest, source, createdAtMs: row.createdAt.getTime(), coversDays: !isFromTraffic(row), body };
  }

  /** Which reference is active, by version, without its body. */
  async activeDigests(versionIds: readonly string[]): Promise<ReadonlyMap<string, { readonly id: string; readonly digest: string }>> {
    const rows = await this.db.referenceProfile.findMany({
      where: { versionId: { in: [...versionIds] }, status: 'READY' },
      orderBy: { id: 'desc' },
      distinct: ['versionId'],
      select: { id: true, versionId: true, digest: true },
    });
    return new Map(rows.flatMap(({ versionId, id, digest }) => (digest === null ? [] : [[versionId, { id, digest }] as const])));
  }

  /** The body of a reference that is ready; undefined when it is gone. */
  async bodyOf(id: string, digest: string): Promise<ReferenceBody | undefined> {
    const known = this.bodies.get(digest);
    if (known !== undefined) return known;
    const row = await this.db.referenceProfile.findUnique({ where: { id }, select: { body: true } });
    if (row === null) return undefined;
    const body = ReferenceBody.parse(row.body);
    const oldest = this.bodies.keys().next().value;
    if (this.bodies.size >= cachedBodies && oldest !== undefined) this.bodies.delete(oldest);
    this.bodies.set(digest, body);
    return body;
  }
}

/** What the body's digest is taken over, and the columns that say so. */
export function readyColumns(body: ReferenceBody) {
  return {
    status: 'READY',
    rows: body.rows,
    labelled: body.labelled !== null,
    digest: digestOf(body),
    body: toJson(body),
    readyAt: new Date(),
  } as const;
}

/** Who a reference's events are about. */
export function subjectOf(view: ReferenceItem): { readonly kind: string; readonly id: string; readonly name: string } {
  return { kind: 'reference', id: view.id, name: `${view.model}/${view.version}` };
}

/** Keeps the newest references of a version; the active one is among them unless everything newer failed, and then it is kept as well. */
export async function forgetOld(tx: Transaction, versionId: string): Promise<void> {
  const activeId = await activeIdOf(tx, versionId);
  await tx.$executeRaw`
    delete from "ReferenceProfile" where "id" in (
      select "id" from "ReferenceProfile" where "versionId" = ${versionId} and "status" in ('READY', 'FAILED') and "id" <> ${activeId ?? ''}
      order by "id" desc offset ${limits.referencesKept - 1})`;
}

export async function activeIdOf(db: Database | Transaction, versionId: string): Promise<string | undefined> {
  const row = await db.referenceProfile.findFirst({ where: { versionId, status: 'READY' }, orderBy: { id: 'desc' }, select: { id: true } });
  return row?.id;
}

async function activeRow(db: Database | Transaction, versionId: string) {
  return db.referenceProfile.findFirst({ where: { versionId, status: 'READY' }, orderBy: { id: 'desc' }, select: { ...withoutBody, body: true } });
}

/** @returns undefined when one of this version and source is in the making already. */
export async function insert(
  tx: Transaction,
  by: ChangeBy,
  of: ReferencedVersion,
  wish: { readonly source: 'uploaded' | 'learned'; readonly origin: unknown; readonly inputDigest?: string },
): Promise<ReferenceRow | undefined> {
  const id = newId('ref');
  const { source, origin, inputDigest = null } = wish;
  const data = { ...ownerOf(of), id, source, origin: toJson(origin), inputDigest, createdBy: by.actor };
  const { count } = await tx.referenceProfile.createMany({ data: [data], skipDuplicates: true });
  return count === 0 ? undefined : tx.referenceProfile.findUniqueOrThrow({ where: { id }, select: withoutBody });
}

function ownerOf({ projectId, modelId, versionId, version }: ReferencedVersion) {
  return { projectId, modelId, versionId, versionNumber: version };
}

function noActive(model: string, version: number): SlipwayError {
  return new SlipwayError(
    'REFERENCE_NOT_FOUND',
    `version ${version} of "${model}" has no reference profile that is ready; POST /v1/models/${model}/versions/${version}/reference-profiles makes one of a labelled set or a file, and …/learn of its traffic`,
  );
}

function notFound(of: ReferencedVersion, id: string): SlipwayError {
  return new SlipwayError(
    'REFERENCE_NOT_FOUND',
    `version ${of.version} of "${of.model}" has no reference profile ${JSON.stringify(id.slice(0, 64))}; GET /v1/models/${of.model}/versions/${of.version}/reference-profiles lists those that are there`,
  );
}
