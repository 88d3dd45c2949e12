import { open } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import {
  Batching,
  CreateReference,
  compareSignatures,
  ReferenceFields,
  ReferenceItem,
  SlipwayError,
  type Task,
  type VersionView,
} from '@slipway/contracts';
import { requestRows } from '@slipway/deployments';
import { fileOf, type ReferencedVersion, type ReferenceInput, ReferenceStore } from '@slipway/metrics';
import { sha256, type Transaction } from '@slipway/platform';
import { type ArtefactStore, collectArtefact, DatasetStore, findVersion, lockDigest, toVersionView } from '@slipway/registry';
import { featureNamesOf, peekTable, recogniseBytes, recogniseFormat } from '@slipway/tables';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/policy.js';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { discardRest } from '../uploads/discard-rest.js';
import { receiveUpload } from '../uploads/receive-upload.js';
import type { Upload } from '../uploads/upload.js';
import { claimUpload, keepAnswer, uploadKeyOf } from '../uploads/upload-idempotency.store.js';

/** Files that come or are looked at at a time in one process; each costs a child while it lasts. */
const atOnce = 4;
const stallMs = 30_000;
const peekWithinMs = 60_000;
const peekLimits = { memoryBytes: 1024 ** 3, stallMs: 60_000 };
const fields = { schema: ReferenceFields, texts: ['labelColumn', 'format', 'delimiter', 'digest'], json: ['columns', 'idColumns', 'header'] };
const noBatching = Batching.parse({});

/** A version as the registry knows it, and as references name it. */
export interface KnownVersion {
  readonly of: ReferencedVersion;
  readonly view: VersionView;
}

/**
 * Takes the wish for a reference profile: of a labelled set, of a file that comes with the request, or of another version. Whatever goes wrong
 * before the answer leaves nothing behind.
 */
@Injectable()
export class ReferenceCreation {
  private readonly references: ReferenceStore;
  private readonly datasets: DatasetStore;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
  ) {
    this.references = new ReferenceStore(platform.db.prisma);
    this.datasets = new DatasetStore(platform.db.prisma);
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND */
  async version(projectId: string, model: string, version: number): Promise<KnownVersion> {
    const found = await findVersion(this.platform.db.prisma, projectId, model, { version });
    const view = toVersionView(found.row, found.model.name);
    return { of: { projectId, modelId: found.model.id, model: found.model.name, versionId: view.id, version: view.version }, view };
  }

  /**
   * @throws SlipwayError VERSION_NOT_READY, DATASET_NOT_FOUND, REFERENCE_UNFINISHED; REFERENCE_REFUSED for a version that takes or gives something
   * else; TABLE_… for a file that the model cannot take.
   */
  async receive(caller: Caller, model: string, version: number, request: FastifyRequest): Promise<ReferenceItem> {
    if (this.running >= atOnce) {
      discardRest(request.raw);
      throw new SlipwayError('UPLOADS_BUSY', `${atOnce} files are being taken, which is the limit; send it again in a moment`, {
        retryAfterSeconds: 5,
      });
    }
    this.running += 1;
    try {
      // Before its megabytes are taken.
      const known = await this.version(caller.projectId, model, version);
      if (known.view.status !== 'READY')
        throw new SlipwayError(
          'VERSION_NOT_READY',
          `version ${version} of "${known.of.model}" is ${known.view.status}; only a READY version can be run over rows`,
        );
      const isJson = request.headers['content-type']?.toLowerCase().startsWith('application/json') === true;
      return isJson ? await this.fromBody(caller, known, request.body) : await this.fromUpload(caller, known, request);
    } catch (error) {
      discardRest(request.raw);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private async fromBody(caller: Caller, known: KnownVersion, body: unknown): Promise<ReferenceItem> {
    const wish = parseBody(body);
    if (wish.dataset !== undefined) return this.fromDataset(caller, known, wish.dataset);
    const from = await this.version(caller.projectId, known.of.model, wish.from ?? 0);
    refuseOthers(from, known);
    return this.references.inherit(caller, known.of, { versionId: from.of.versionId, version: from.of.version });
  }

  private async fromDataset(caller: Caller, { of }: KnownVersion, name: string): Promise<ReferenceItem> {
    const { digest } = await this.datasets.get(caller.projectId, of.model, name);
    return this.platform.db.prisma.$transaction(async (tx) => {
      await lockDigest(tx, digest);
      // It may have been deleted a moment ago; under the lock its file stays.
      const dataset = await this.datasets.get(caller.projectId, of.model, name);
      const shown = { kind: 'dataset' as const, name: dataset.name, digest: dataset.digest };
      return this.references.create(tx, caller, of, { shown, file: fileOf(dataset.format, dataset.options) });
    });
  }

  private async fromUpload(caller: Caller, known: KnownVersion, request: FastifyRequest): Promise<ReferenceItem> {
    const key = uploadKeyOf(request, caller);
    const shape = { maxBytes: this.platform.settings.SLIPWAY_MAX_BATCH_BYTES, stallMs, fields, what: 'the file of rows' };
    const upload = await receiveUpload(request, this.artefacts, shape);
    const { staged } = upload;
    try {
      refuseDigest(upload);
      const input = await checkRows(upload, known);
      return await this.keep(upload, async (tx) => {
        const requestHash = sha256(JSON.stringify(['references', known.of.versionId, staged.digest, upload.fileName ?? null, upload.fields]));
        const before = key === undefined ? undefined : await claimUpload(tx, key, requestHash, ReferenceItem);
        if (before !== undefined) return before;
        const view = await this.references.create(tx, caller, known.of, input);
        if (key !== undefined) await keepAnswer(tx, key, 202, view);
        // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
        await this.artefacts.commit(staged);
        return view;
      });
    } finally {
      // Gone already when it was committed.
      await this.artefacts.discard(staged);
    }
  }

  private async keep({ staged }: Upload<ReferenceFields>, create: (tx: Transaction) => Promise<ReferenceItem>): Promise<ReferenceItem> {
    const { prisma } = this.platform.db;
    try {
      return await prisma.$transaction(async (tx) => {
        await lockDigest(tx, staged.digest);
        return create(tx);
      });
    } catch (error) {
      await collectArtefact(prisma, this.artefacts, staged.digest).catch((fault: unknown) =>
        this.platform.log.warn({ err: fault, digest: staged.digest }, 'artefact not collected'),
      );
      throw error;
    }
  }
}

/** Looks at the file's columns, and whether the model can take them. */
async function checkRows({ staged, fields: said, fileName }: Upload<ReferenceFields>, { view }: KnownVersion): Promise<ReferenceInput> {
  const { labelColumn, idColumns, columns, header, delimiter } = said;
  if (labelColumn !== undefined && columns?.includes(labelColumn) === true)
    throw new SlipwayError('REFERENCE_REFUSED', `columns: the label column ${JSON.stringify(labelColumn)} cannot be an input as well`);
  const format = recogniseFormat(await headOf(staged.path), { format: said.format, fileName });
  const { signature, task, rowsIndependent, metadata } = view;
  if (signature === null) throw new SlipwayError('REFERENCE_REFUSED', `version ${view.version} has no signature, so nothing can be made of rows`);
  const featureNames = featureNamesOf(metadata);
  await peekTable(
    {
      path: staged.path,
      format,
      header,
      delimiter,
      columns,
      idColumns: [...(labelColumn === undefined ? [] : [labelColumn]), ...idColumns],
      model: {
        inputs: signature.inputs,
        hasRows: requestRows({ signature, task, rowsIndependent }, noBatching).hasRows,
        ...(featureNames === undefined ? {} : { featureNames: [...featureNames] }),
      },
    },
    AbortSignal.timeout(peekWithinMs),
    peekLimits,
  );
  const file = {
    format,
    idColumns,
    header,
    ...(labelColumn === undefined ? {} : { labelColumn }),
    ...(columns === undefined ? {} : { columns }),
    ...(delimiter === undefined ? {} : { delimiter }),
  };
  return { shown: { kind: 'file', name: fileName ?? null, digest: staged.digest }, file };
}

/** Only what takes the same, gives the same and means the same can be compared with. */
function refuseOthers(from: KnownVersion, to: KnownVersion): void {
  const named = `version ${from.of.version}`;
  if (from.of.versionId === to.of.versionId)
    throw new SlipwayError('REFERENCE_REFUSED', `from: expected another version of "${to.of.model}"; given ${named} itself`);
  if (from.view.signature === null || to.view.signature === null)
    throw new SlipwayError('REFERENCE_REFUSED', `${named} has no signature to compare with`);
  const { kind, differences } = compareSignatures(from.view.signature, to.view.signature);
  if (kind !== 'same')
    throw new SlipwayError(
      'REFERENCE_REFUSED',
      `the reference of ${named} cannot be taken over, since it takes or gives something else: ${differences.slice(0, 5).join('; ')}`,
    );
  if (meaningOf(from.view.task) !== meaningOf(to.view.task))
    throw new SlipwayError(
      'REFERENCE_REFUSED',
      `the reference of ${named} cannot be taken over, since its answers mean something else: expected the same task`,
    );
}

function meaningOf(task: Task | null): string {
  return JSON.stringify([task?.kind, task?.predictionOutput, task?.scoreOutput, task?.classes, task?.positiveClass, task?.rowAxis]);
}

function parseBody(body: unknown): CreateReference {
  const parsed = CreateReference.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 50).map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  throw new SlipwayError('REQUEST_INVALID', places.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; '), {
    places,
  });
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(recogniseBytes), 0, recogniseBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function refuseDigest({ fields: said, staged }: Upload<ReferenceFields>): void {
  if (said.digest === undefined || said.digest === staged.digest) return;
  throw new SlipwayError(
    'ARTEFACT_DIGEST_MISMATCH',
    `expected a file with the SHA-256 ${said.digest}; the ${staged.sizeBytes} bytes that arrived have ${staged.digest}`,
  );
}
