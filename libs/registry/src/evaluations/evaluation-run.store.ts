import { DatasetOptions, type EvaluationResult, limits, Signature, type TableFormat, type Task } from '@slipway/contracts';
import { type Database, enqueue, lockLostRows, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { lockDigest } from '../artefacts/artefact-reference.store.js';
import type { ArtefactStore, StagedArtefact } from '../artefacts/artefact-store.js';
import { toTableFormat } from '../batch-predictions/batch-prediction-mapper.js';
import { toTask, toVersionView } from '../versions/version-mapper.js';
import { evaluateVersion, evaluateVersionJobId } from './evaluate-version.job.js';
import { evaluationSubject, queueEvaluation } from './evaluation.store.js';
import { toEvaluationItem, withDataset } from './evaluation-mapper.js';

/** How long a claim counts without being renewed, on the database's clock. */
const claimSeconds = 10;
const actor = 'system:worker';
/** Begun by one look; the next one goes on. */
const begunAtOnce = 100;

/** An evaluation in the hands of a worker, with everything that it needs. */
export interface ClaimedEvaluation {
  readonly id: string;
  /** The fencing token: whatever is written under an older one changes nothing. It counts attempts. */
  readonly attempt: number;
  readonly lastFault: string | undefined;
  readonly modelName: string;
  readonly version: {
    readonly id: string;
    readonly number: number;
    readonly digest: string;
    readonly signature: Signature | undefined;
    readonly task: Task | undefined;
    readonly rowsIndependent: boolean | null;
    readonly metadata: ReturnType<typeof toVersionView>['metadata'];
  };
  readonly dataset: { readonly name: string; readonly digest: string; readonly format: TableFormat; readonly options: DatasetOptions };
}

/** What a worker found. */
export interface EvaluationOutcome {
  readonly task: Task;
  readonly rows: { readonly read: number; readonly labelled: number; readonly answered: number };
  readonly rowErrors: readonly { readonly row: number; readonly message: string }[];
  readonly runMsPerRow: number | undefined;
  readonly result: EvaluationResult;
}

type Claim = Pick<ClaimedEvaluation, 'id' | 'attempt'>;

/** The worker's side of evaluations. Every write is guarded by the claim: false means that somebody else has it, or that it is over. */
export class EvaluationRunStore {
  constructor(private readonly db: Database) {}

  /** Takes it up. `held`: another worker has it; `over`: there is nothing to do any more. */
  async claim(id: string): Promise<ClaimedEvaluation | 'held' | 'over'> {
    return this.db.$transaction(async (tx) => {
      const claimed = await tx.$queryRaw<unknown[]>`
        update "Evaluation" set "status" = 'RUNNING', "attempt" = "attempt" + 1, "startedAt" = coalesce("startedAt", now() at time zone 'utc'),
          "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision)
        where "id" = ${id} and "status" in ('QUEUED', 'RUNNING') and ("claimedUntil" is null or "claimedUntil" < now() at time zone 'utc')
        returning 1`;
      const row = await tx.evaluation.findUnique({ where: { id }, include: { dataset: true } });
      if (row === null) return 'over';
      if (claimed.length === 0) return row.status === 'QUEUED' || row.status === 'RUNNING' ? 'held' : 'over';
      const version = await tx.version.findUniqueOrThrow({ where: { id: row.versionId }, include: { model: { select: { name: true } } } });
      return {
        id,
        attempt: row.attempt,
        lastFault: row.lastFault ?? undefined,
        modelName: version.model.name,
        version: {
          id: version.id,
          number: version.number,
          digest: version.digest,
          signature: Signature.nullable().parse(version.signature) ?? undefined,
          task: toTask(version.task),
          rowsIndependent: version.rowsIndependent,
          metadata: toVersionView(version, version.model.name).metadata,
        },
        dataset: {
          name: row.dataset.name,
          digest: row.dataset.digest,
          format: toTableFormat(row.dataset.format),
          options: DatasetOptions.parse(row.dataset.options),
        },
      };
    });
  }

  /** Keeps the claim. */
  async renew(claim: Claim): Promise<boolean> {
    const count = await this.db.$executeRaw`
      update "Evaluation" set "claimedUntil" = (now() at time zone 'utc') + make_interval(secs => ${claimSeconds}::double precision)
      where "id" = ${claim.id} and "attempt" = ${claim.attempt} and "status" = 'RUNNING'`;
    return count === 1;
  }

  /** Ends it with what was found; the predictions get their name in the store in the same moment. The staged file is gone when it is true. */
  async complete(claim: Claim, outcome: EvaluationOutcome, artefacts: ArtefactStore, predictions: StagedArtefact): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      await lockDigest(tx, predictions.digest);
      const { count } = await tx.evaluation.updateMany({
        where: guard(claim),
        data: {
          ...ending('COMPLETED'),
          task: toJson(outcome.task),
          rowsRead: outcome.rows.read,
          rowsLabelled: outcome.rows.labelled,
          rowsAnswered: outcome.rows.answered,
          rowErrors: toJson(outcome.rowErrors),
          runMsPerRow: outcome.runMsPerRow ?? null,
          result: toJson(outcome.result),
          predictionsDigest: predictions.digest,
        },
      });
      if (count !== 1) return false;
      await recordEnd(tx, claim.id, 'evaluation.completed');
      await forgetOld(tx, claim.id);
      // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
      await artefacts.commit(predictions);
      return true;
    });
  }

  /** Ends it without a result. @param reason a sentence for whoever wished it. */
  async fail(claim: Claim, reason: string): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.evaluation.updateMany({ where: guard(claim), data: { ...ending('FAILED'), reason: reason.slice(0, 2_000) } });
      if (count !== 1) return false;
      await recordEnd(tx, claim.id, 'evaluation.failed');
      await forgetOld(tx, claim.id);
      return true;
    });
  }

  /** Gives it back, to be begun anew. @param fault what went wrong; undefined when the worker leaves in order. */
  async release(claim: Claim, fault?: string): Promise<boolean> {
    const { count } = await this.db.evaluation.updateMany({
      where: guard(claim),
      data: { claimedUntil: null, ...(fault === undefined ? {} : { lastFault: fault.slice(0, 2_000) }) },
    });
    return count === 1;
  }

  /**
   * Begins what automatic sets ask for: every READY version that is newer than the set, that an alias points to, or that a deployment has not
   * retired, and that was never evaluated on it. @returns how many were begun.
   */
  async beginAutomatic(): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const rows = await tx.$queryRaw<
        { projectId: string; modelId: string; modelName: string; versionId: string; versionNumber: number; datasetId: string }[]
      >`
        select d."projectId", d."modelId", m."name" as "modelName", v."id" as "versionId", v."number" as "versionNumber", d."id" as "datasetId"
        from "Dataset" d join "Model" m on m."id" = d."modelId" join "Version" v on v."modelId" = d."modelId"
        where d."automatic" and v."status" = 'READY' and v."archivedAt" is null
          and not exists (select 1 from "Evaluation" e where e."versionId" = v."id" and e."datasetId" = d."id")
          and (coalesce(v."validatedAt", v."createdAt") >= d."createdAt"
            or exists (select 1 from "Alias" a where a."versionId" = v."id")
            or exists (select 1 from "Revision" r join "Deployment" p on p."id" = r."deploymentId"
              where r."versionId" = v."id" and r."retiredAt" is null and p."deletedAt" is null))
        order by v."id" limit ${begunAtOnce} for share of d, v skip locked`;
      let begun = 0;
      for (const { projectId, ...ids } of rows)
        if ((await queueEvaluation(tx, { projectId, actor }, { projectId, ...ids })) !== undefined) begun += 1;
      return begun;
    });
  }

  /** Publishes the job again of evaluations that nobody holds and whose job was not published within `olderThanSeconds`. @returns how many. */
  async requeueLost(olderThanSeconds: number): Promise<number> {
    return this.db.$transaction(async (tx) => {
      const ids = await lockLostRows(tx, 'Evaluation', 'evaluation.', olderThanSeconds);
      for (const id of ids) await enqueue(tx, evaluateVersion, { evaluationId: id }, evaluateVersionJobId(id));
      return ids.length;
    });
  }
}

function guard(claim: Claim) {
  return { id: claim.id, attempt: claim.attempt, status: 'RUNNING' };
}

function ending(status: 'COMPLETED' | 'FAILED') {
  return { status, finishedAt: new Date(), claimedUntil: null };
}

async function recordEnd(tx: Transaction, id: string, action: string): Promise<void> {
  const row = await tx.evaluation.findUniqueOrThrow({ where: { id }, include: withDataset });
  const { name } = await tx.model.findUniqueOrThrow({ where: { id: row.modelId }, select: { name: true } });
  const after = toEvaluationItem(row, name);
  await recordEvent(tx, { projectId: row.projectId, actor, action, subject: evaluationSubject(after), before: { status: 'RUNNING' }, after });
}

/** Keeps the newest ended ones of the same version on the same set. Their files are collected by the sweep of artefacts. */
async function forgetOld(tx: Transaction, id: string): Promise<void> {
  await tx.$executeRaw`
    delete from "Evaluation" where "id" in (
      select o."id" from "Evaluation" o join "Evaluation" e on e."id" = ${id} and o."versionId" = e."versionId" and o."datasetId" = e."datasetId"
      where o."status" in ('COMPLETED', 'FAILED') order by o."id" desc offset ${limits.evaluationsKept})`;
}
