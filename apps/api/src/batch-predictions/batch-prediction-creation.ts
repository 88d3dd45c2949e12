import { open } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import {
  BatchPredictionFields,
  BatchPredictionOptions,
  BatchPredictionView,
  CreateBatchPrediction,
  type DeploymentView,
  SlipwayError,
  type TableFormat,
} from '@slipway/contracts';
import { chooseTarget, DeploymentStore, requestRows, type Target } from '@slipway/deployments';
import { sha256, type Transaction } from '@slipway/platform';
import { type ArtefactStore, BatchPredictionStore, collectArtefact, findVersion, lockDigest, toVersionView } from '@slipway/registry';
import { featureNamesOf, peekTable, recogniseBytes, recogniseFormat } from '@slipway/tables';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/policy.js';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { discardRest } from '../uploads/discard-rest.js';
import { receiveUpload } from '../uploads/receive-upload.js';
import type { Upload } from '../uploads/upload.js';
import { claimUpload, keepAnswer, type UploadKey, uploadKeyOf } from '../uploads/upload-idempotency.store.js';

/** Files that come or are looked at at a time in one process; each costs a child for a moment. */
const atOnce = 8;
const stallMs = 30_000;
/** A look at the columns of a file: everything else is the worker's. */
const peekLimits = { memoryBytes: 512 * 1024 * 1024, stallMs: 20_000 };
/** A look is short enough to be left to its own limits. */
const never = new AbortController().signal;
const fields = {
  schema: BatchPredictionFields,
  texts: ['deployment', 'format', 'delimiter', 'resultFormat', 'digest'],
  json: ['version', 'columns', 'idColumns', 'header'],
};

/** What was asked for, whichever way the file came. */
type Wish = Omit<BatchPredictionFields, 'digest'>;

/** A file to look at. */
interface Input {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly fileName: string | undefined;
  /** On this host; undefined where the store is elsewhere, and only the worker will look into it. */
  readonly path: string | undefined;
}

/**
 * Takes the wish for a batch prediction: the file is stored, its columns are looked at in a process of their own, and row, job and file come
 * to be together. Whatever goes wrong before the answer leaves nothing behind.
 */
@Injectable()
export class BatchPredictionCreation {
  private readonly store: BatchPredictionStore;
  private readonly deployments: DeploymentStore;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
  ) {
    this.store = new BatchPredictionStore(platform.db.prisma, platform.settings.SLIPWAY_RETENTION_BATCH_DAYS);
    this.deployments = new DeploymentStore(platform.db.prisma);
  }

  /** From an upload, or from a JSON body that names a stored file. */
  async receive(caller: Caller, request: FastifyRequest): Promise<BatchPredictionView> {
    if (this.running >= atOnce) {
      discardRest(request.raw);
      throw new SlipwayError('UPLOADS_BUSY', `${atOnce} files are being taken, which is the limit; send it again in a moment`, {
        retryAfterSeconds: 5,
      });
    }
    this.running += 1;
    try {
      const isJson = request.headers['content-type']?.toLowerCase().startsWith('application/json') === true;
      return isJson ? await this.fromStored(caller, request.body) : await this.fromUpload(caller, request);
    } catch (error) {
      discardRest(request.raw);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private async fromUpload(caller: Caller, request: FastifyRequest): Promise<BatchPredictionView> {
    const key = uploadKeyOf(request, caller);
    const shape = { maxBytes: this.platform.settings.SLIPWAY_MAX_BATCH_BYTES, stallMs, fields, what: 'the file of rows' };
    const upload = await receiveUpload(request, this.artefacts, shape);
    const { staged, fileName } = upload;
    try {
      refuseDigest(upload);
      const { digest: _, ...wish } = upload.fields;
      const input = { digest: staged.digest, sizeBytes: staged.sizeBytes, fileName, path: staged.path };
      const checked = await this.check(caller, wish, input);
      return await this.keep(upload, key, (tx) => this.create(tx, caller, wish, input, checked));
    } finally {
      // Gone already when it was committed.
      await this.artefacts.discard(staged);
    }
  }

  private async fromStored(caller: Caller, body: unknown): Promise<BatchPredictionView> {
    const { input: named, ...wish } = parseBody(body);
    const sizeBytes = await this.platform.db.prisma.$transaction((tx) => this.store.sizeOfStored(tx, caller.projectId, named.digest));
    const input = { digest: named.digest, sizeBytes, fileName: named.fileName, path: await this.artefacts.localPath(named.digest) };
    const checked = await this.check(caller, wish, input);
    return this.platform.db.prisma.$transaction(async (tx) => {
      await lockDigest(tx, input.digest);
      await this.store.sizeOfStored(tx, caller.projectId, input.digest);
      return this.create(tx, caller, wish, input, checked);
    });
  }

  private create(
    tx: Transaction,
    caller: Caller,
    wish: Wish,
    input: Input,
    { deployment, format }: { readonly deployment: DeploymentView; readonly format: TableFormat },
  ): Promise<BatchPredictionView> {
    return this.store.create(tx, caller, {
      deployment: { id: deployment.id, name: deployment.name },
      version: wish.version,
      input,
      format,
      options: BatchPredictionOptions.parse(wish),
      resultFormat: wish.resultFormat,
    });
  }

  /** Whether the deployment is there, the file a table, and its columns what the model takes. */
  private async check(caller: Caller, wish: Wish, input: Input) {
    const deployment = await this.deployments.view(caller.projectId, wish.deployment);
    const target = chooseTarget(deployment, wish.version);
    if (target === undefined) throw notServed(deployment, wish.version);
    const format = recogniseFormat(input.path === undefined ? await this.headOf(input.digest) : await headOfFile(input.path), {
      format: wish.format,
      fileName: input.fileName,
    });
    if (input.path !== undefined) await this.peek(caller, wish, { ...input, path: input.path }, { deployment, target, format });
    return { deployment, format };
  }

  private async peek(
    caller: Caller,
    wish: Wish,
    { path }: Input & { readonly path: string },
    { deployment, target, format }: { readonly deployment: DeploymentView; readonly target: Target; readonly format: TableFormat },
  ): Promise<void> {
    const { row, model } = await findVersion(this.platform.db.prisma, caller.projectId, deployment.model, { version: target.version });
    const { signature, task, rowsIndependent, metadata } = toVersionView(row, model.name);
    // The first version may still be on its way through its validation.
    if (signature === null) return;
    const { hasRows } = requestRows({ signature, task, rowsIndependent }, target.batching);
    const featureNames = featureNamesOf(metadata);
    await peekTable(
      {
        path,
        format,
        header: wish.header,
        delimiter: wish.delimiter,
        columns: wish.columns,
        idColumns: wish.idColumns,
        model: { inputs: signature.inputs, hasRows, ...(featureNames === undefined ? {} : { featureNames: [...featureNames] }) },
      },
      never,
      peekLimits,
    );
  }

  /** File, row, job and the answer under the Idempotency-Key, together. */
  private async keep(
    { staged, fields: said, fileName }: Upload<BatchPredictionFields>,
    key: UploadKey | undefined,
    create: (tx: Transaction) => Promise<BatchPredictionView>,
  ): Promise<BatchPredictionView> {
    const { prisma } = this.platform.db;
    try {
      return await prisma.$transaction(async (tx) => {
        await lockDigest(tx, staged.digest);
        const requestHash = sha256(JSON.stringify(['batch-predictions', staged.digest, fileName ?? null, said]));
        const before = key === undefined ? undefined : await claimUpload(tx, key, requestHash, BatchPredictionView);
        if (before !== undefined) return before;
        const view = await create(tx);
        if (key !== undefined) await keepAnswer(tx, key, 202, view);
        // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
        await this.artefacts.commit(staged);
        return view;
      });
    } catch (error) {
      await collectArtefact(prisma, this.artefacts, staged.digest).catch((fault: unknown) =>
        this.platform.log.warn({ err: fault, digest: staged.digest }, 'artefact not collected'),
      );
      throw error;
    }
  }

  private async headOf(digest: string): Promise<Uint8Array> {
    const { stream } = await this.artefacts.open(digest);
    for await (const piece of stream) return Buffer.from(piece).subarray(0, recogniseBytes);
    return new Uint8Array();
  }
}

async function headOfFile(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(recogniseBytes), 0, recogniseBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parseBody(body: unknown): CreateBatchPrediction {
  const parsed = CreateBatchPrediction.safeParse(body);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 50).map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  throw new SlipwayError('REQUEST_INVALID', places.map((place) => `${place.path}: ${place.message}`).join('; '), { places });
}

function refuseDigest({ fields: said, staged }: Upload<BatchPredictionFields>): void {
  if (said.digest === undefined || said.digest === staged.digest) return;
  throw new SlipwayError(
    'ARTEFACT_DIGEST_MISMATCH',
    `expected a file with the SHA-256 ${said.digest}; the ${staged.sizeBytes} bytes that arrived have ${staged.digest}`,
  );
}

function notServed(deployment: DeploymentView, version: number | undefined): SlipwayError {
  if (version === undefined) return new SlipwayError('DEPLOYMENT_NOT_READY', `"${deployment.name}" has no revision yet`);
  const served = [...new Set(deployment.revisions.filter((revision) => revision.warm).map((revision) => revision.version))];
  return new SlipwayError(
    'VERSION_NOT_FOUND',
    `"${deployment.name}" does not serve version ${version}; it serves ${served.join(', ') || 'none at the moment'}`,
  );
}
