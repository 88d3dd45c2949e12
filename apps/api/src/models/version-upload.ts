import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { isExternalFileName, limits, SlipwayError, VersionCreated, VersionFields, type VersionFileView } from '@slipway/contracts';
import { QuotaStore, refuseOverRegistryQuota } from '@slipway/deployments';
import { type ModelFacts, scanOnnx } from '@slipway/inference';
import { sha256, type Transaction } from '@slipway/platform';
import {
  type ArtefactStore,
  checkTask,
  collectArtefact,
  type FoundModel,
  findModel,
  lockDigests,
  manifestBytes,
  modelFileName,
  type StagedArtefact,
  taskRefused,
  VersionStore,
  writeManifest,
} from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/policy.js';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { discardRest } from '../uploads/discard-rest.js';
import { receiveUpload } from '../uploads/receive-upload.js';
import type { Upload } from '../uploads/upload.js';
import { claimUpload, keepAnswer, type UploadKey, uploadKeyOf } from '../uploads/upload-idempotency.store.js';
import { declaredOutputs, toMetadata } from './version-metadata.js';

/** Uploads at a time in one process; each holds a file handle and up to a few megabytes. */
const uploadsAtOnce = 64;
const stallMs = 30_000;
const fields = { schema: VersionFields, texts: ['description', 'digest', 'card'], json: ['tags', 'provenance', 'task'] };
type VersionFile = Upload<VersionFields>;

/** What of an upload is kept: its files, and what the version is named by. */
interface Kept {
  /** The files, and their manifest when there are several. */
  readonly staged: readonly StagedArtefact[];
  readonly digest: string;
  readonly sizeBytes: number;
  readonly files?: readonly VersionFileView[];
}

/**
 * Receives a version: stream to staging, look at the structure, then file and row together. Whatever goes wrong before the answer, no
 * row, no staged file and no file without a row stay behind.
 */
@Injectable()
export class VersionUpload {
  private readonly versions: VersionStore;
  private readonly quotas: QuotaStore;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly store: ArtefactStore,
  ) {
    this.versions = new VersionStore(platform.db.prisma);
    this.quotas = new QuotaStore(platform.db.prisma);
  }

  async receive(caller: Caller, modelName: string, request: FastifyRequest): Promise<VersionCreated> {
    if (this.running >= uploadsAtOnce) {
      discardRest(request.raw);
      throw new SlipwayError('UPLOADS_BUSY', `${uploadsAtOnce} uploads are running, which is the limit; send it again in a moment`, {
        retryAfterSeconds: 5,
      });
    }
    this.running += 1;
    try {
      return await this.receiveOne(caller, modelName, request);
    } catch (error) {
      discardRest(request.raw);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private async receiveOne(caller: Caller, modelName: string, request: FastifyRequest): Promise<VersionCreated> {
    const key = uploadKeyOf(request, caller);
    const model = await findModel(this.platform.db.prisma, caller.projectId, modelName);
    // Before anything is read, and as a bound while it is: what arrives over a quota is neither waited for nor stored.
    const room = await this.quotas.roomForVersion(caller.projectId);
    const maxBytes = Math.min(this.platform.settings.SLIPWAY_MAX_ARTEFACT_BYTES, room ?? Number.POSITIVE_INFINITY);
    const upload = await receiveUpload(request, this.store, {
      maxBytes,
      stallMs,
      fields,
      what: maxBytes === room ? 'the model file (by what is left of the quota of storage)' : 'the model file',
      further: { part: 'data', maxFiles: limits.externalFiles },
    });
    const staged = [upload.staged, ...upload.further.map((file) => file.staged)];
    try {
      refuseDigest(upload);
      const facts = await scanOnnx(upload.staged.path, dataFilesOf(upload));
      refuseTask(upload, facts);
      const kept = await this.nameFiles(upload);
      if (kept.staged.length > staged.length) staged.push(...kept.staged.slice(staged.length));
      return await this.keep({ caller, model, upload, facts, key, kept });
    } finally {
      // Gone already when they were committed.
      for (const one of staged) await this.store.discard(one);
    }
  }

  /** A single file is named by its own digest, several by that of their manifest, which is staged like them. */
  private async nameFiles({ staged, further }: VersionFile): Promise<Kept> {
    if (further.length === 0) return { staged: [staged], digest: staged.digest, sizeBytes: staged.sizeBytes };
    const files = [{ name: modelFileName, staged }, ...further].map(({ name, staged: { digest, sizeBytes } }) => ({ name, digest, sizeBytes }));
    const manifest = await this.store.stage(Readable.from([Buffer.from(writeManifest(files))]), { maxBytes: manifestBytes });
    return {
      staged: [staged, ...further.map((file) => file.staged), manifest],
      digest: manifest.digest,
      sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      files,
    };
  }

  private async keep(arrived: {
    caller: Caller;
    model: FoundModel;
    upload: VersionFile;
    facts: ModelFacts;
    key: UploadKey | undefined;
    kept: Kept;
  }): Promise<VersionCreated> {
    const { caller, model, upload, facts, key, kept } = arrived;
    const { fields, fileName } = upload;
    const digests = kept.staged.map((one) => one.digest);
    try {
      // The slow part of storing, before anything is locked.
      for (const one of kept.staged) await this.store.prepare(one);
      return await this.platform.db.prisma.$transaction(async (tx) => {
        await lockDigests(tx, digests);
        const before = key === undefined ? undefined : await claimUpload(tx, key, hashOf(model, kept.digest, upload), VersionCreated);
        if (before !== undefined) return before;
        await refuseOverRegistryQuota(tx, caller.projectId, { versions: 1, storageBytes: await this.addedBytes(tx, caller.projectId, kept) });
        const view = await this.versions.create(tx, caller, model, {
          digest: kept.digest,
          sizeBytes: kept.sizeBytes,
          ...(kept.files === undefined ? {} : { files: kept.files }),
          fileName,
          description: fields.description,
          card: fields.card,
          tags: fields.tags,
          provenance: fields.provenance,
          task: fields.task,
          metadata: toMetadata(facts),
        });
        const answer = { model: view.model, version: view.version, status: view.status, digest: view.digest };
        if (key !== undefined) await keepAnswer(tx, key, 201, answer);
        // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
        for (const one of kept.staged) await this.store.commit(one);
        return answer;
      });
    } catch (error) {
      for (const digest of digests) await this.collectQuietly(digest);
      throw error;
    }
  }

  /** A file that the project has already takes no more room. */
  private async addedBytes(tx: Transaction, projectId: string, { digest, sizeBytes }: Kept): Promise<number> {
    const there = await tx.version.findFirst({ where: { digest, model: { projectId } }, select: { id: true } });
    return there === null ? sizeBytes : 0;
  }

  /** The file may have got its name before the transaction failed. */
  private async collectQuietly(digest: string): Promise<void> {
    try {
      await collectArtefact(this.platform.db.prisma, this.store, digest);
    } catch (error) {
      this.platform.log.warn({ err: error, digest }, 'artefact not collected');
    }
  }
}

/** The files of weights by name. @throws SlipwayError ARTEFACT_REFUSED for a name that no model can refer to, or one that is there twice. */
function dataFilesOf({ further }: VersionFile): Map<string, number> {
  const files = new Map<string, number>();
  const folded = new Set<string>();
  for (const { name, staged } of further) {
    if (!isExternalFileName(name)) {
      throw new SlipwayError(
        'ARTEFACT_REFUSED',
        `expected the plain name of a file of weights, as the model refers to it; given ${JSON.stringify(name.slice(0, 100))}`,
      );
    }
    // Hosts may have file systems that take both for the same name.
    if (folded.has(name.toLowerCase())) throw new SlipwayError('ARTEFACT_REFUSED', `expected each file once; given ${JSON.stringify(name)} twice`);
    folded.add(name.toLowerCase());
    files.set(name, staged.sizeBytes);
  }
  return files;
}

function refuseDigest({ fields, staged }: VersionFile): void {
  if (fields.digest === undefined || fields.digest === staged.digest) return;
  throw new SlipwayError(
    'ARTEFACT_DIGEST_MISMATCH',
    `expected a file with the SHA-256 ${fields.digest}; the ${staged.sizeBytes} bytes that arrived have ${staged.digest}`,
  );
}

function refuseTask({ fields }: VersionFile, facts: ModelFacts): void {
  const problems = fields.task === undefined ? [] : checkTask(fields.task, declaredOutputs(facts));
  if (problems.length > 0) throw taskRefused(problems);
}

/** What makes two uploads under one key the same request. */
function hashOf(model: FoundModel, digest: string, { fields, fileName }: VersionFile): string {
  return sha256(JSON.stringify([model.id, digest, fileName ?? null, fields]));
}
