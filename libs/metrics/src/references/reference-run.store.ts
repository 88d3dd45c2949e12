import { DatasetOptions, type ReferenceBody, Signature, type TableFormat, Task, tableFormats } from '@slipway/contracts';
import { type Database, enqueue, recordEvent, type Transaction } from '@slipway/platform';
import { z } from 'zod';
import { buildReferenceJobId, buildReferenceProfile } from './build-reference.job.js';
import { activeIdOf, forgetOld, insert, type ReferencedVersion, readyColumns, subjectOf } from './reference.store.js';
import { type ReferenceRow, type RowFile, StoredOrigin, toReferenceItem, withoutBody } from './reference-mapper.js';

/** How long a claim counts without being renewed, on the database's clock. */
const claimSeconds = 10;
const actor = 'system:worker';
/** Begun or looked at by one round; the next one goes on. */
const atOnce = 100;

/** A version as it is run over the rows of a reference. */
export interface ReferenceVersion extends ReferencedVersion {
  readonly digest: string;
  readonly signature: Signature | undefined;
  readonly task: Task | undefined;
  readonly rowsIndependent: boolean | null;
  /** Properties of the model's file. */
  readonly properties: Readonly<Record<string, string>>;
}

/** A reference in the hands of a worker, with everything that it needs. */
export interface ClaimedReference {
  readonly id: string;
  /** The fencing token: whatever is written under an older one changes nothing. It counts attempts. */
  readonly attempt: number;
  readonly lastFault: string | undefined;
  readonly version: ReferenceVersion;
  readonly input: { readonly digest: string; readonly file: RowFile };
}

/** A reference that is being learned from traffic. */
export interface LearningReference {
  readonly id: string;
  readonly versionId: string;
  readonly projectId: string;
  readonly sinceMs: number;
  readonly rowsWanted: number;
  readonly rows: number;
}

type Claim = Pick<ClaimedReference, 'id' | 'attempt'>;
const Metadata = z.looseObject({ properties: z.record(z.string(), z.string()) }).nullable();

/** The worker's side of references. Every write is guarded by the claim: false means that somebody else has it, or that it is over. */
export class ReferenceRunStore {
  constructor(private readonly db: Database) {}

  /** Takes it up. `held`: another worker has it; `over`: there is nothing to do any more. */
  async claim(id: string): Promise<ClaimedReference | 'held' | 'over'> {
    return this.db.$transaction(async (tx) => {
      const claimed = await tx.$queryRaw<unknown[]>`
        update "ReferenceProfile" set "attempt" = "attempt" + 1,
          "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision)
        where "id" = ${id} and "status" = 'BUILDING' and "source" = 'uploaded' and ("claimedUntil" is null or "claimedUntil" < now() at time zone 'utc')
        returning 1`;
      const row = await tx.referenceProfile.findUnique({ where: { id }, select: withoutBody });
      if (claimed.length === 0) return row?.status === 'BUILDING' && row.source === 'uploaded' ? 'held' : 'over';
      const origin = row === null ? undefined : StoredOrigin.parse(row.origin);
      if (row === null || row.inputDigest === null || origin?.file === undefined) return 'over';
      const version = await this.version(row.versionId, tx);
      if (version === undefined) return 'over';
      return { id, attempt: row.attempt, lastFault: row.lastFault ?? undefined, version, input: { digest: row.inputDigest, file: origin.file } };
    });
  }

  /** Keeps the claim. */
  async renew(claim: Claim): Promise<boolean> {
    const count = await this.db.$executeRaw`
      update "ReferenceProfile" set "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision)
      where "id" = ${claim.id} and "attempt" = ${claim.attempt} and "status" = 'BUILDING'`;
    return count === 1;
  }

  /** Ends it with the body, which judgements stand on from then on. */
  async complete(claim: Claim, body: ReferenceBody): Promise<boolean> {
    return this.end(claim.id, { attempt: claim.attempt }, 'reference.ready', { ...readyColumns(body), inputDigest: null });
  }

  /** @param reason a sentence for whoever wished it. */
  async fail(claim: Claim, reason: string): Promise<boolean> {
    return this.end(claim.id, { attempt: claim.attempt }, 'reference.failed', {
      status: 'FAILED',
      reason: reason.slice(0, 2_000),
      inputDigest: null,
    });
  }

  /** Gives it back, to be begun anew. @param fault what went wrong; undefined when the worker leaves in order. */
  async release(claim: Claim, fault?: string): Promise<boolean> {
    const { count } = await this.db.referenceProfile.updateMany({
      where: { id: claim.id, attempt: claim.attempt, status: 'BUILDING' },
      data: { claimedUntil: null, ...(fault === undefined ? {} : { lastFault: fault.slice(0, 2_000) }) },
    });
    return count === 1;
  }

  /** Publishes the job again of references that nobody holds and whose job was not published within `olderThanSeconds`. @returns how many. */
  async requeueLost(olderThanSeconds: number): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<{ id: string }[]>`
        select t."id" from "ReferenceProfile" t
        where t."status" = 'BUILDING' and t."source" = 'uploaded' and (t."claimedUntil" is null or t."claimedUntil" < now() at time zone 'utc')
          and not exists (
            select 1 from "OutboxMessage" o where o."jobId" = 'reference.' || t."id"
              and (o."publishedAt" is null or o."createdAt" > (now() at time zone 'utc') - make_interval(secs => ${olderThanSeconds}::double precision)))
        order by t."createdAt" limit ${atOnce} for update skip locked`;
      for (const { id } of rows) await enqueue(tx, buildReferenceProfile, { referenceId: id }, buildReferenceJobId(id));
      return rows.length;
    });
  }

  /**
   * Begins the reference of every READY version that has none yet, from the newest automatic labelled set of its model; of versions from before
   * the set those that an alias points to or that a deployment has not retired. @returns how many were begun.
   */
  async beginAutomatic(): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<
        (ReferencedVersion & { datasetId: string; dataset: string; digest: string; format: string; options: unknown })[]
      >`
        select distinct on (v."id") d."projectId", d."modelId", m."name" as "model", v."id" as "versionId", v."number" as "version",
          d."id" as "datasetId", d."name" as "dataset", d."digest", d."format", d."options"
        from "Dataset" d join "Model" m on m."id" = d."modelId" join "Version" v on v."modelId" = d."modelId"
        where d."automatic" and v."status" = 'READY' and v."archivedAt" is null
          and not exists (select 1 from "ReferenceProfile" r where r."versionId" = v."id" and (r."source" <> 'learned' or r."status" = 'READY'))
          and (coalesce(v."validatedAt", v."createdAt") >= d."createdAt"
            or exists (select 1 from "Alias" a where a."versionId" = v."id")
            or exists (select 1 from "Revision" r join "Deployment" p on p."id" = r."deploymentId"
              where r."versionId" = v."id" and r."retiredAt" is null and p."deletedAt" is null))
        order by v."id", d."id" desc limit ${atOnce}`;
      let begun = 0;
      for (const { datasetId, dataset, digest, format, options, ...of } of rows) {
        // Its file stays as long as the set cannot be deleted, and from then on because the reference refers to it.
        const held = await tx.$queryRaw<unknown[]>`select 1 from "Dataset" where "id" = ${datasetId} for share`;
        if (held.length === 0) continue;
        const origin = { shown: { kind: 'dataset' as const, name: dataset, digest }, file: fileOf(format, options) };
        const row = await insert(tx, { projectId: of.projectId, actor }, of, { source: 'uploaded', origin, inputDigest: digest });
        if (row === undefined) continue;
        await enqueue(tx, buildReferenceProfile, { referenceId: row.id }, buildReferenceJobId(row.id));
        await recordChange(tx, row, 'reference.created', undefined);
        begun += 1;
      }
      return begun;
    });
  }

  /** References that are being learned, the oldest first. */
  async learning(): Promise<LearningReference[]> {
    const rows = await this.db.referenceProfile.findMany({
      where: { source: 'learned', status: 'BUILDING' },
      orderBy: { id: 'asc' },
      take: 1_000,
      select: withoutBody,
    });
    return rows.flatMap((row) => {
      const { shown } = StoredOrigin.parse(row.origin);
      if (shown.kind !== 'traffic') return [];
      const { id, versionId, projectId } = row;
      return { id, versionId, projectId, sinceMs: Date.parse(shown.since), rowsWanted: shown.rowsWanted, rows: row.rows ?? 0 };
    });
  }

  /** Begins to learn a version that has no reference at all; does nothing where one has come in the meantime. */
  async beginLearning(of: ReferencedVersion, since: Date, rowsWanted: number): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const some = await tx.referenceProfile.count({ where: { versionId: of.versionId, status: { in: ['READY', 'BUILDING'] } } });
      if (some > 0) return false;
      const origin = { shown: { kind: 'traffic' as const, since: since.toISOString(), rowsWanted } };
      const row = await insert(tx, { projectId: of.projectId, actor }, of, { source: 'learned', origin });
      if (row === undefined) return false;
      await recordChange(tx, row, 'reference.learning-started', undefined);
      return true;
    });
  }

  /** Says how many rows there are to learn from, for people to see. */
  async noteLearned(id: string, rows: number): Promise<void> {
    await this.db.referenceProfile.updateMany({ where: { id, status: 'BUILDING' }, data: { rows } });
  }

  /** Freezes what was learned. */
  async completeLearning(id: string, body: ReferenceBody): Promise<boolean> {
    return this.end(id, {}, 'reference.ready', readyColumns(body));
  }

  /** Ends learning that has come to nothing, or that is not needed any more. */
  async failLearning(id: string, reason: string): Promise<boolean> {
    return this.end(id, {}, 'reference.failed', { status: 'FAILED', reason: reason.slice(0, 2_000) });
  }

  /** A version with what is needed to run it; undefined when it is gone. */
  async version(versionId: string, db: Database | Transaction = this.db): Promise<ReferenceVersion | undefined> {
    const row = await db.version.findUnique({ where: { id: versionId }, include: { model: { select: { name: true, projectId: true } } } });
    if (row === null) return undefined;
    return {
      projectId: row.model.projectId,
      modelId: row.modelId,
      model: row.model.name,
      versionId: row.id,
      version: row.number,
      digest: row.digest,
      signature: Signature.nullable().parse(row.signature) ?? undefined,
      task: Task.nullable().parse(row.task) ?? undefined,
      rowsIndependent: row.rowsIndependent,
      properties: Metadata.safeParse(row.metadata).data?.properties ?? {},
    };
  }

  private async end(
    id: string,
    guard: { readonly attempt?: number },
    action: string,
    data: Parameters<Database['referenceProfile']['updateMany']>[0]['data'],
  ): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.referenceProfile.updateMany({ where: { id, status: 'BUILDING', ...guard }, data: { ...data, claimedUntil: null } });
      if (count !== 1) return false;
      const row = await tx.referenceProfile.findUniqueOrThrow({ where: { id }, select: withoutBody });
      await recordChange(tx, row, action, { status: 'BUILDING' });
      await forgetOld(tx, row.versionId);
      return true;
    });
  }
}

/** How the rows of a labelled set are read for a reference. */
export function fileOf(format: string, options: unknown): RowFile {
  const { labelColumn, idColumn, columns, header, delimiter } = DatasetOptions.parse(options);
  return {
    format: toTableFormat(format),
    labelColumn,
    idColumns: idColumn === undefined ? [] : [idColumn],
    ...(columns === undefined ? {} : { columns }),
    header,
    ...(delimiter === undefined ? {} : { delimiter }),
  };
}

function toTableFormat(text: string): TableFormat {
  return z.enum(tableFormats).parse(text);
}

async function recordChange(tx: Transaction, row: ReferenceRow, action: string, before: unknown): Promise<void> {
  const { name } = await tx.model.findUniqueOrThrow({ where: { id: row.modelId }, select: { name: true } });
  const after = toReferenceItem(row, name, await activeIdOf(tx, row.versionId));
  await recordEvent(tx, { projectId: row.projectId, actor, action, subject: subjectOf(after), before, after });
}
