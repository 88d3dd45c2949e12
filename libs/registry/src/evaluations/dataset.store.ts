import {
  type ChangeDataset,
  type DatasetOptions,
  type DatasetView,
  foldName,
  type LabelSummary,
  limits,
  type Page,
  type PageQuery,
  SlipwayError,
  type TableFormat,
} from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, newId, pageFrom, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { findModel } from '../models/find-model.store.js';
import { type DatasetRow, toDatasetView } from './evaluation-mapper.js';
import { findDataset } from './find-dataset.store.js';

/** A file that is stored and was read to its end once. */
export interface NewDataset {
  readonly name: string;
  readonly description: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly fileName: string | undefined;
  readonly format: TableFormat;
  readonly options: DatasetOptions;
  readonly automatic: boolean;
  readonly labels: LabelSummary;
}

/** Labelled sets of models: immutable files of rows whose true class or value is known. */
export class DatasetStore {
  constructor(private readonly db: Database) {}

  /**
   * Adds a set. The caller holds the lock of the file's digest.
   * @throws SlipwayError MODEL_NOT_FOUND, DATASET_NAME_TAKEN; DATASET_REFUSED over the limit of a model.
   */
  async create(tx: Transaction, by: ChangeBy, modelName: string, wish: NewDataset): Promise<DatasetView> {
    const model = await findModel(tx, by.projectId, modelName);
    // Two at the same moment count each other.
    await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for no key update`;
    const names = await tx.dataset.findMany({ where: { modelId: model.id }, select: { nameFolded: true } });
    if (names.some((each) => each.nameFolded === foldName(wish.name)))
      throw new SlipwayError(
        'DATASET_NAME_TAKEN',
        `the model "${model.name}" has a labelled set "${wish.name}" already; sets never change, so take another name`,
      );
    if (names.length >= limits.datasetsPerModel)
      throw new SlipwayError('DATASET_REFUSED', `a model has at most ${limits.datasetsPerModel} labelled sets; "${model.name}" has ${names.length}`);
    const row = await tx.dataset.create({
      data: {
        id: newId('dst'),
        projectId: by.projectId,
        modelId: model.id,
        name: wish.name,
        nameFolded: foldName(wish.name),
        description: wish.description,
        digest: wish.digest,
        sizeBytes: BigInt(wish.sizeBytes),
        fileName: wish.fileName ?? null,
        format: wish.format,
        options: toJson(wish.options),
        automatic: wish.automatic,
        labels: toJson(wish.labels),
        createdBy: by.actor,
      },
    });
    const view = toDatasetView(row, model.name);
    await recordEvent(tx, { ...by, action: 'dataset.created', subject: subjectOf(view), after: view });
    return view;
  }

  /** The newest first. @throws SlipwayError MODEL_NOT_FOUND, CURSOR_INVALID */
  async list(projectId: string, modelName: string, query: PageQuery): Promise<Page<DatasetView>> {
    const model = await findModel(this.db, projectId, modelName);
    const list = `datasets:${model.id}`;
    const before = decodeCursor(list, query.cursor);
    const rows = await this.db.dataset.findMany({
      where: { modelId: model.id, ...(before === undefined ? {} : { id: { lt: before } }) },
      orderBy: { id: 'desc' },
      take: query.limit + 1,
    });
    return pageFrom(rows, { list, limit: query.limit, positionOf: (row) => row.id, toView: (row: DatasetRow) => toDatasetView(row, model.name) });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, DATASET_NOT_FOUND */
  async get(projectId: string, modelName: string, name: string): Promise<DatasetView> {
    const model = await findModel(this.db, projectId, modelName);
    return toDatasetView(await findDataset(this.db, model, name), model.name);
  }

  /** Changes what is said about a set; its rows never change. @throws SlipwayError MODEL_NOT_FOUND, DATASET_NOT_FOUND */
  async change(by: ChangeBy, modelName: string, name: string, wish: ChangeDataset): Promise<DatasetView> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockDataset(tx, by.projectId, modelName, name);
      const before = toDatasetView(row, model.name);
      const { automatic, description } = wish;
      const changed = await tx.dataset.update({
        where: { id: row.id },
        data: { ...(automatic === undefined ? {} : { automatic }), ...(description === undefined ? {} : { description }) },
      });
      const after = toDatasetView(changed, model.name);
      await recordEvent(tx, { ...by, action: 'dataset.changed', subject: subjectOf(after), before, after });
      return after;
    });
  }

  /**
   * @returns the digest of its file, for the caller to collect what nothing refers to any more.
   * @throws SlipwayError MODEL_NOT_FOUND, DATASET_NOT_FOUND; DATASET_IN_USE while evaluations or gates refer to it.
   */
  async remove(by: ChangeBy, modelName: string, name: string): Promise<string> {
    return this.db.$transaction(async (tx) => {
      const { model, row } = await lockDataset(tx, by.projectId, modelName, name);
      const evaluations = await tx.evaluation.count({ where: { datasetId: row.id } });
      const gates = await tx.$queryRaw<{ count: bigint }[]>`
        select count(*) from "ModelGates" g cross join lateral jsonb_array_elements(g."gates") e where g."modelId" = ${model.id} and e ->> 'datasetId' = ${row.id}`;
      const gateCount = Number(gates[0]?.count ?? 0);
      if (evaluations > 0 || gateCount > 0) {
        throw new SlipwayError(
          'DATASET_IN_USE',
          `the set "${row.name}" cannot be deleted while ${evaluations} evaluations and ${gateCount} gates refer to it; ${row.automatic ? 'set "automatic" to false, so that no more of them begin, and ' : ''}delete these first`,
        );
      }
      const before = toDatasetView(row, model.name);
      await tx.dataset.delete({ where: { id: row.id } });
      await recordEvent(tx, { ...by, action: 'dataset.deleted', subject: subjectOf(before), before });
      return row.digest;
    });
  }
}

/** The row as it is once nobody else can change it, or refer to it anew, until this transaction ends. */
async function lockDataset(tx: Transaction, projectId: string, modelName: string, name: string) {
  const model = await findModel(tx, projectId, modelName);
  const { id } = await findDataset(tx, model, name);
  await tx.$queryRaw`select 1 from "Dataset" where "id" = ${id} for update`;
  return { model, row: await findDataset(tx, model, name) };
}

function subjectOf(view: DatasetView): { readonly kind: string; readonly id: string; readonly name: string } {
  return { kind: 'dataset', id: view.id, name: `${view.model}/${view.name}` };
}
