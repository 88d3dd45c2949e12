import { Inject, Injectable } from '@nestjs/common';
import { SlipwayError, VersionCreated, VersionFields } from '@slipway/contracts';
import { type ModelFacts, scanOnnx } from '@slipway/inference';
import { sha256 } from '@slipway/platform';
import { type ArtefactStore, checkTask, collectArtefact, type FoundModel, findModel, lockDigest, taskRefused, VersionStore } from '@slipway/registry';
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
const fields = { schema: VersionFields, texts: ['description', 'digest'], json: ['tags', 'provenance', 'task'] };
type VersionFile = Upload<VersionFields>;

/**
 * Receives a version: stream to staging, look at the structure, then file and row together. Whatever goes wrong before the answer, no
 * row, no staged file and no file without a row stay behind.
 */
@Injectable()
export class VersionUpload {
  private readonly versions: VersionStore;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly store: ArtefactStore,
  ) {
    this.versions = new VersionStore(platform.db.prisma);
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
    const upload = await receiveUpload(request, this.store, {
      maxBytes: this.platform.settings.SLIPWAY_MAX_ARTEFACT_BYTES,
      stallMs,
      fields,
      what: 'the model file',
    });
    try {
      refuseDigest(upload);
      const facts = await scanOnnx(upload.staged.path);
      refuseTask(upload, facts);
      return await this.keep(caller, model, upload, facts, key);
    } finally {
      // Gone already when it was committed.
      await this.store.discard(upload.staged);
    }
  }

  private async keep(caller: Caller, model: FoundModel, upload: VersionFile, facts: ModelFacts, key: UploadKey | undefined): Promise<VersionCreated> {
    const { staged, fields, fileName } = upload;
    try {
      return await this.platform.db.prisma.$transaction(async (tx) => {
        await lockDigest(tx, staged.digest);
        const before = key === undefined ? undefined : await claimUpload(tx, key, hashOf(model, upload), VersionCreated);
        if (before !== undefined) return before;
        const view = await this.versions.create(tx, caller, model, {
          digest: staged.digest,
          sizeBytes: staged.sizeBytes,
          fileName,
          description: fields.description,
          tags: fields.tags,
          provenance: fields.provenance,
          task: fields.task,
          metadata: toMetadata(facts),
        });
        const answer = { model: view.model, version: view.version, status: view.status, digest: view.digest };
        if (key !== undefined) await keepAnswer(tx, key, 201, answer);
        // Last, so that what can fail in the database has not failed; the lock keeps others from collecting it before the commit.
        await this.store.commit(staged);
        return answer;
      });
    } catch (error) {
      await this.collectQuietly(staged.digest);
      throw error;
    }
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
function hashOf(model: FoundModel, { staged, fields, fileName }: VersionFile): string {
  return sha256(JSON.stringify([model.id, staged.digest, fileName ?? null, fields]));
}
