import {
  type BatchPredictionOptions,
  type BatchPredictionQuery,
  type BatchPredictionView,
  limits,
  type Page,
  type PageQuery,
  type ResultFormat,
  type RowErrorView,
  SlipwayError,
  type TableFormat,
} from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, enqueue, newId, pageFrom, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { isOver, toBatchPredictionView, toResultFormat, toStatus } from './batch-prediction-mapper.js';
import { findBatchPrediction } from './find-batch-prediction.store.js';
import { runBatchPrediction, runBatchPredictionJobId } from './run-batch-prediction.job.js';

/** A file that is stored, and what to make of it. */
export interface NewBatchPrediction {
  readonly deployment: { readonly id: string; readonly name: string };
  readonly version: number | undefined;
  readonly input: { readonly digest: string; readonly sizeBytes: number; readonly fileName: string | undefined };
  readonly format: TableFormat;
  readonly options: BatchPredictionOptions;
  readonly resultFormat: ResultFormat;
}

/** The finished result of a batch prediction. */
export interface StoredResult {
  readonly digest: string;
  readonly format: ResultFormat;
  /** As people would name it. */
  readonly fileName: string;
}

/** Batch predictions as people wish and see them. */
export class BatchPredictionStore {
  /** @param retentionDays how long one is kept after its end. */
  constructor(
    private readonly db: Database,
    private readonly retentionDays: number,
  ) {}

  /**
   * Adds a batch prediction and the job that runs it. The caller holds the lock of the input's digest.
   * @throws SlipwayError BATCH_PREDICTIONS_BUSY while as many as allowed wait or run.
   */
  async create(tx: Transaction, by: ChangeBy, wish: NewBatchPrediction): Promise<BatchPredictionView> {
    await refuseWhenBusy(tx, by.projectId);
    const row = await tx.batchPrediction.create({
      data: {
        id: newId('bat'),
        projectId: by.projectId,
        deploymentId: wish.deployment.id,
        deploymentName: wish.deployment.name,
        version: wish.version ?? null,
        inputDigest: wish.input.digest,
        inputBytes: BigInt(wish.input.sizeBytes),
        fileName: wish.input.fileName ?? null,
        format: wish.format,
        options: toJson(wish.options),
        resultFormat: wish.resultFormat,
        createdBy: by.actor,
      },
    });
    const view = this.toView(row);
    await recordEvent(tx, { ...by, action: 'batch-prediction.created', subject: subjectOf(view), after: view });
    await enqueue(tx, runBatchPrediction, { batchPredictionId: row.id }, runBatchPredictionJobId(row.id));
    return view;
  }

  /** The newest first. @throws SlipwayError CURSOR_INVALID */
  async list(projectId: string, query: BatchPredictionQuery): Promise<Page<BatchPredictionView>> {
    const list = `batch-predictions:${projectId}:${query.deployment ?? ''}:${query.status ?? ''}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.batchPrediction.findMany({
      where: {
        projectId,
        ...(query.deployment === undefined ? {} : { deploymentName: { equals: query.deployment, mode: 'insensitive' } }),
        ...(query.status === undefined ? {} : { status: query.status }),
        ...(before === undefined ? {} : { id: { lt: before } }),
      },
      orderBy: { id: 'desc' },
      take: query.limit + 1,
    });
    return pageFrom(rows, { list, limit: query.limit, positionOf: (row) => row.id, toView: (row) => this.toView(row) });
  }

  /** @throws SlipwayError BATCH_PREDICTION_NOT_FOUND */
  async get(projectId: string, id: string): Promise<BatchPredictionView> {
    return this.toView(await findBatchPrediction(this.db, projectId, id));
  }

  /** Rows without a prediction, by number. @throws SlipwayError BATCH_PREDICTION_NOT_FOUND, CURSOR_INVALID */
  async errors(projectId: string, id: string, query: PageQuery): Promise<Page<RowErrorView>> {
    const { id: batchPredictionId } = await findBatchPrediction(this.db, projectId, id);
    const list = `batch-errors:${batchPredictionId}`;
    const after = decodeCursor(list, query.cursor);
    const rows = await this.db.batchRowError.findMany({
      where: { batchPredictionId, ...(after === undefined ? {} : { row: { gt: Number(after) } }) },
      orderBy: { row: 'asc' },
      take: query.limit + 1,
    });
    const toView = ({ row, column, message }: RowErrorView): RowErrorView => ({ row, column, message });
    return pageFrom(rows, { list, limit: query.limit, positionOf: ({ row }) => String(row), toView });
  }

  /** @throws SlipwayError BATCH_PREDICTION_NOT_FOUND; BATCH_PREDICTION_UNFINISHED when there is no result, or none yet. */
  async result(projectId: string, id: string): Promise<StoredResult> {
    const row = await findBatchPrediction(this.db, projectId, id);
    if (row.resultDigest === null) {
      const when = isOver(toStatus(row.status)) ? 'and has no result' : 'and has no result yet; ask again when it is COMPLETED';
      throw new SlipwayError('BATCH_PREDICTION_UNFINISHED', `this batch prediction is ${row.status} ${when}`);
    }
    const format = toResultFormat(row.resultFormat);
    return { digest: row.resultDigest, format, fileName: `${row.deploymentName}-${row.id}.${format}` };
  }

  /**
   * Ends it at once; a worker that is at it notices with its next step. Doing it twice is harmless.
   * @throws SlipwayError BATCH_PREDICTION_NOT_FOUND; BATCH_PREDICTION_FINISHED when it is over otherwise.
   */
  async cancel(by: ChangeBy, id: string): Promise<BatchPredictionView> {
    return this.db.$transaction(async (tx) => {
      const before = this.toView(await findBatchPrediction(tx, by.projectId, id));
      const { count } = await tx.batchPrediction.updateMany({
        where: { id, status: { in: ['QUEUED', 'RUNNING'] } },
        data: { status: 'CANCELLED', finishedAt: new Date(), claimedUntil: null, waitingFor: null },
      });
      const after = this.toView(await findBatchPrediction(tx, by.projectId, id));
      if (count === 1) await recordEvent(tx, { ...by, action: 'batch-prediction.cancelled', subject: subjectOf(after), before, after });
      else if (after.status !== 'CANCELLED')
        throw new SlipwayError('BATCH_PREDICTION_FINISHED', `this batch prediction is ${after.status}; there is nothing to cancel`);
      return after;
    });
  }

  /**
   * @returns the digests it referred to, for the caller to collect what nothing refers to any more.
   * @throws SlipwayError BATCH_PREDICTION_NOT_FOUND; BATCH_PREDICTION_UNFINISHED while it waits or runs.
   */
  async remove(by: ChangeBy, id: string): Promise<readonly string[]> {
    return this.db.$transaction(async (tx) => {
      const view = this.toView(await findBatchPrediction(tx, by.projectId, id));
      const { count } = await tx.batchPrediction.deleteMany({ where: { id, status: { notIn: ['QUEUED', 'RUNNING'] } } });
      if (count === 0) throw new SlipwayError('BATCH_PREDICTION_UNFINISHED', `this batch prediction is ${view.status}; cancel it first`);
      await recordEvent(tx, { ...by, action: 'batch-prediction.deleted', subject: subjectOf(view), before: view });
      return digestsOf(view);
    });
  }

  /**
   * The size of a file that the project may use as an input: one that its batch predictions or versions refer to. The caller holds the lock of
   * the digest. @throws SlipwayError ARTEFACT_NOT_FOUND, the same for one that is absent and one of another project.
   */
  async sizeOfStored(tx: Transaction, projectId: string, digest: string): Promise<number> {
    const input = await tx.batchPrediction.findFirst({ where: { projectId, inputDigest: digest }, select: { inputBytes: true } });
    const result = await tx.batchPrediction.findFirst({ where: { projectId, resultDigest: digest }, select: { resultBytes: true } });
    const version = await tx.version.findFirst({ where: { digest, model: { projectId } }, select: { sizeBytes: true } });
    const bytes = input?.inputBytes ?? result?.resultBytes ?? version?.sizeBytes;
    if (bytes === undefined) {
      throw new SlipwayError(
        'ARTEFACT_NOT_FOUND',
        `no file with the SHA-256 ${digest} is stored in this project; upload it, or name the input of another batch prediction`,
      );
    }
    return Number(bytes);
  }

  private toView(row: Parameters<typeof toBatchPredictionView>[0]): BatchPredictionView {
    return toBatchPredictionView(row, this.retentionDays);
  }
}

/** Who a batch prediction's events are about. */
export function subjectOf(view: BatchPredictionView): { readonly kind: string; readonly id: string; readonly name: string } {
  return { kind: 'batch-prediction', id: view.id, name: view.deployment };
}

/** The files it refers to. */
export function digestsOf(view: BatchPredictionView): readonly string[] {
  return view.result === null ? [view.input.digest] : [view.input.digest, view.result.digest];
}

/** The project's row is locked, so that two at the same moment count each other. */
async function refuseWhenBusy(tx: Transaction, projectId: string): Promise<void> {
  await tx.$queryRaw`select 1 from "Project" where "id" = ${projectId} for update`;
  const count = await tx.batchPrediction.count({ where: { projectId, status: { in: ['QUEUED', 'RUNNING'] } } });
  if (count < limits.batchPredictionsAtOnce) return;
  throw new SlipwayError(
    'BATCH_PREDICTIONS_BUSY',
    `${count} batch predictions of this project wait or run, which is the limit; send it again when one of them is over`,
    { retryAfterSeconds: 30 },
  );
}
