import { Gate, type GatesView, type GateVerdicts, type SetGates } from '@slipway/contracts';
import { type ChangeBy, type Database, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { z } from 'zod';
import { type FoundModel, findModel } from '../models/find-model.store.js';
import { findVersion } from '../versions/find-version.store.js';
import { findDataset } from './find-dataset.store.js';
import { judgeVersion } from './gate-facts.store.js';

/** As they lie in the database: by the id of the set, so that nothing else by the same name is ever meant. */
const StoredGates = z.array(z.looseObject({ datasetId: z.string() }));

/** What versions of a model have to show before they are deployed or get an alias. */
export class GateStore {
  constructor(private readonly db: Database) {}

  /** @throws SlipwayError MODEL_NOT_FOUND */
  async get(projectId: string, modelName: string): Promise<GatesView> {
    return viewOf(this.db, await findModel(this.db, projectId, modelName));
  }

  /** Replaces the whole list. @throws SlipwayError MODEL_NOT_FOUND, DATASET_NOT_FOUND */
  async set(by: ChangeBy, modelName: string, { gates, reason }: SetGates): Promise<GatesView> {
    return this.db.$transaction(async (tx) => {
      const model = await findModel(tx, by.projectId, modelName);
      await tx.$queryRaw`select 1 from "Model" where "id" = ${model.id} for no key update`;
      const before = await viewOf(tx, model);
      const stored: unknown[] = [];
      for (const gate of gates) stored.push({ ...gate, datasetId: await holdDataset(tx, model, gate.dataset) });
      const written = { gates: toJson(stored), updatedBy: by.actor, updatedAt: new Date() };
      // Without gates there is nothing to keep.
      if (stored.length === 0) await tx.modelGates.deleteMany({ where: { modelId: model.id } });
      else await tx.modelGates.upsert({ where: { modelId: model.id }, create: { modelId: model.id, ...written }, update: written });
      const after = await viewOf(tx, model);
      await recordEvent(tx, { ...by, action: 'gates.set', subject: { kind: 'model', id: model.id, name: model.name }, reason, before, after });
      return after;
    });
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async judge(projectId: string, modelName: string, version: number): Promise<GateVerdicts> {
    const { model, row } = await findVersion(this.db, projectId, modelName, { version });
    const verdicts = await judgeVersion(this.db, row.id);
    return { model: model.name, version: row.number, met: verdicts.every((verdict) => verdict.met), verdicts };
  }
}

/** Keeps the set from being deleted until this transaction ends. */
async function holdDataset(tx: Transaction, model: FoundModel, name: string): Promise<string> {
  const { id } = await findDataset(tx, model, name);
  await tx.$queryRaw`select 1 from "Dataset" where "id" = ${id} for key share`;
  return (await findDataset(tx, model, name)).id;
}

async function viewOf(db: Database | Transaction, model: FoundModel): Promise<GatesView> {
  const row = await db.modelGates.findUnique({ where: { modelId: model.id } });
  const stored = StoredGates.parse(row?.gates ?? []);
  const datasets = await db.dataset.findMany({ where: { id: { in: stored.map((gate) => gate.datasetId) } }, select: { id: true, name: true } });
  const names = new Map(datasets.map(({ id, name }) => [id, name]));
  const gates = stored.map(({ datasetId, ...gate }) => Gate.parse({ ...gate, ...(names.has(datasetId) ? { dataset: names.get(datasetId) } : {}) }));
  return { model: model.name, gates, updatedAt: row?.updatedAt.toISOString() ?? null, updatedBy: row?.updatedBy ?? null };
}
