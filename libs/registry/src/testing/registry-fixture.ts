import { type ChangeBy, type Database, newId } from '@slipway/platform';
import { findModel } from '../models/find-model.store.js';
import type { NewVersion } from '../versions/version.store.js';
import { VersionStore } from '../versions/version.store.js';

/** A project of its own and somebody who changes things in it. */
export async function newProject(db: Database): Promise<ChangeBy> {
  const id = newId('prj');
  await db.project.create({ data: { id, name: id } });
  return { projectId: id, actor: 'key:test', requestId: 'req_test' };
}

export const metadata = {
  irVersion: 8,
  producer: 'test',
  producerVersion: null,
  opsets: { '': 17 },
  docString: null,
  properties: {},
  nodeCount: 1,
  operators: { Identity: 1 },
};
export const signature = {
  inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, 3] }],
  outputs: [
    { name: 'label', datatype: 'INT64' as const, shape: [-1] },
    { name: 'scores', datatype: 'FP32' as const, shape: [-1, 2] },
  ],
};
export const footprint = { loadMs: 5, runMs: 1, rssBytes: 50_000_000 };

export function newVersion(change: Partial<NewVersion> = {}): NewVersion {
  return {
    digest: 'ab'.repeat(32),
    sizeBytes: 1_234,
    fileName: 'model.onnx',
    description: undefined,
    tags: undefined,
    provenance: undefined,
    task: undefined,
    metadata,
    ...change,
  };
}

/** Adds a version as an upload does. */
export async function addVersion(db: Database, by: ChangeBy, modelName: string, change: Partial<NewVersion> = {}) {
  return db.$transaction(async (tx) => new VersionStore(db).create(tx, by, await findModel(tx, by.projectId, modelName), newVersion(change)));
}

/** A deployment with one revision of a version, written as the deployments library does. */
export async function deployVersion(db: Database, by: ChangeBy, versionId: string, name: string): Promise<void> {
  const version = await db.version.findUniqueOrThrow({ where: { id: versionId } });
  const deployment = await db.deployment.create({
    data: { id: newId('dep'), projectId: by.projectId, name, nameFolded: name, modelId: version.modelId, createdBy: by.actor },
  });
  await db.revision.create({
    data: { id: newId('rev'), deploymentId: deployment.id, number: 1, versionId, replicas: 1, spec: {}, createdBy: by.actor },
  });
}
