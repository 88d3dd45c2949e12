import {
  type CreateEvaluation,
  type EvaluationItem,
  type EvaluationQuery,
  type EvaluationView,
  foldName,
  type Page,
  SlipwayError,
} from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, enqueue, newId, pageFrom, recordEvent, type Transaction } from '@slipway/platform';
import { type FoundModel, findModel } from '../models/find-model.store.js';
import { findVersion } from '../versions/find-version.store.js';
import { evaluateVersion, evaluateVersionJobId } from './evaluate-version.job.js';
import { type EvaluationRow, toEvaluationItem, toEvaluationView, withDataset } from './evaluation-mapper.js';
import { findDataset } from './find-dataset.store.js';

const idPattern = /^evl_[0-9A-Z]{26}$/;
const underWay = ['QUEUED', 'RUNNING'];

/** A completed evaluation with the file of its predictions. */
export interface StoredPredictions {
  readonly view: EvaluationView;
  readonly digest: string;
  readonly versionId: string;
}

/** Evaluations as people wish and see them. */
export class EvaluationStore {
  constructor(private readonly db: Database) {}

  /**
   * Queues the evaluation of a version on a set; one that waits or runs already is given back as it is.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, DATASET_NOT_FOUND; VERSION_NOT_READY.
   */
  async create(by: ChangeBy, modelName: string, wish: CreateEvaluation): Promise<EvaluationView> {
    return this.db.$transaction(async (tx) => {
      const choice = wish.alias === undefined ? { version: wish.version ?? 0 } : { alias: wish.alias };
      const { model, row: version } = await findVersion(tx, by.projectId, modelName, choice);
      if (version.status !== 'READY')
        throw new SlipwayError(
          'VERSION_NOT_READY',
          `version ${version.number} of "${model.name}" is ${version.status}; only a READY version can be evaluated`,
        );
      const dataset = await findDataset(tx, model, wish.dataset);
      const ids = { projectId: by.projectId, modelId: model.id, versionId: version.id, versionNumber: version.number, datasetId: dataset.id };
      const id = await queueEvaluation(tx, by, { ...ids, modelName: model.name });
      const found = await tx.evaluation.findFirst({
        where: id === undefined ? { versionId: version.id, datasetId: dataset.id, status: { in: underWay } } : { id },
        include: withDataset,
      });
      if (found === null)
        throw new SlipwayError('EVALUATION_NOT_FOUND', 'the evaluation that was under way has just ended; send it again for another one');
      return toEvaluationView(found, model.name);
    });
  }

  /** The newest first. @throws SlipwayError MODEL_NOT_FOUND, CURSOR_INVALID */
  async list(projectId: string, modelName: string, query: EvaluationQuery): Promise<Page<EvaluationItem>> {
    const model = await findModel(this.db, projectId, modelName);
    const { version, dataset, status } = query;
    const list = `evaluations:${model.id}:${version ?? ''}:${dataset ?? ''}:${status ?? ''}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.evaluation.findMany({
      where: {
        modelId: model.id,
        ...(version === undefined ? {} : { versionNumber: version }),
        ...(dataset === undefined ? {} : { dataset: { nameFolded: foldName(dataset) } }),
        ...(status === undefined ? {} : { status }),
        ...(before === undefined ? {} : { id: { lt: before } }),
      },
      orderBy: { id: 'desc' },
      take: query.limit + 1,
      include: withDataset,
    });
    return pageFrom(rows, {
      list,
      limit: query.limit,
      positionOf: (row) => row.id,
      toView: (row: EvaluationRow) => toEvaluationItem(row, model.name),
    });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, EVALUATION_NOT_FOUND */
  async get(projectId: string, modelName: string, id: string): Promise<EvaluationView> {
    const model = await findModel(this.db, projectId, modelName);
    return toEvaluationView(await findEvaluation(this.db, model, id), model.name);
  }

  /**
   * @returns the digest of its predictions, for the caller to collect; undefined when it has none.
   * @throws SlipwayError MODEL_NOT_FOUND, EVALUATION_NOT_FOUND; EVALUATION_UNFINISHED while a worker is at it.
   */
  async remove(by: ChangeBy, modelName: string, id: string): Promise<string | undefined> {
    return this.db.$transaction(async (tx) => {
      const model = await findModel(tx, by.projectId, modelName);
      const row = await findEvaluation(tx, model, id);
      const { count } = await tx.evaluation.deleteMany({ where: { id, status: { not: 'RUNNING' } } });
      if (count === 0) throw new SlipwayError('EVALUATION_UNFINISHED', 'a worker is at this evaluation; delete it when it is over');
      const before = toEvaluationItem(row, model.name);
      await recordEvent(tx, { ...by, action: 'evaluation.deleted', subject: evaluationSubject(before), before });
      return row.predictionsDigest ?? undefined;
    });
  }

  /**
   * The newest completed evaluation of each of these versions on a set, in their order.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, DATASET_NOT_FOUND; EVALUATION_UNFINISHED naming the version that has none.
   */
  async completed(projectId: string, modelName: string, datasetName: string, versions: readonly number[]): Promise<readonly StoredPredictions[]> {
    const model = await findModel(this.db, projectId, modelName);
    const dataset = await findDataset(this.db, model, datasetName);
    return Promise.all(
      versions.map(async (number) => {
        const { row: version } = await findVersion(this.db, projectId, modelName, { version: number });
        const row = await this.db.evaluation.findFirst({
          where: { versionId: version.id, datasetId: dataset.id, status: 'COMPLETED' },
          orderBy: { id: 'desc' },
          include: withDataset,
        });
        if (row?.predictionsDigest === null || row === null)
          throw new SlipwayError(
            'EVALUATION_UNFINISHED',
            `version ${number} of "${model.name}" has no completed evaluation on "${dataset.name}"; POST /v1/models/${model.name}/evaluations begins one`,
          );
        return { view: toEvaluationView(row, model.name), digest: row.predictionsDigest, versionId: version.id };
      }),
    );
  }
}

/** Who an evaluation's events are about. */
export function evaluationSubject(view: EvaluationItem): { readonly kind: string; readonly id: string; readonly name: string } {
  return { kind: 'evaluation', id: view.id, name: `${view.model}/${view.version} on ${view.dataset}` };
}

export interface EvaluationIds {
  readonly projectId: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly datasetId: string;
}

/** Adds an evaluation and its job. @returns its id; undefined when one of this version on this set waits or runs already. */
export async function queueEvaluation(tx: Transaction, by: ChangeBy, { modelName, ...ids }: EvaluationIds): Promise<string | undefined> {
  const id = newId('evl');
  const { count } = await tx.evaluation.createMany({ data: [{ id, ...ids, createdBy: by.actor }], skipDuplicates: true });
  if (count === 0) return undefined;
  const row = await tx.evaluation.findUniqueOrThrow({ where: { id }, include: withDataset });
  const after = toEvaluationItem(row, modelName);
  await recordEvent(tx, { ...by, action: 'evaluation.created', subject: evaluationSubject(after), after });
  await enqueue(tx, evaluateVersion, { evaluationId: id }, evaluateVersionJobId(id));
  return id;
}

async function findEvaluation(db: Database | Transaction, model: FoundModel, id: string): Promise<EvaluationRow> {
  const row = idPattern.test(id) ? await db.evaluation.findFirst({ where: { id, modelId: model.id }, include: withDataset }) : null;
  if (row === null) {
    throw new SlipwayError(
      'EVALUATION_NOT_FOUND',
      `the model "${model.name}" has no evaluation ${JSON.stringify(id.slice(0, 64))}; GET /v1/models/${model.name}/evaluations lists those that are there`,
    );
  }
  return row;
}
