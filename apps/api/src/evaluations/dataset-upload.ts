import { open } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import { DatasetFields, DatasetOptions, DatasetView, type LabelSummary, limits, SlipwayError, type TableFormat } from '@slipway/contracts';
import { sha256, type Transaction } from '@slipway/platform';
import { type ArtefactStore, collectArtefact, DatasetStore, lockDigest, ModelStore } from '@slipway/registry';
import { recogniseBytes, recogniseFormat, TableReader } from '@slipway/tables';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../access/policy.js';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { discardRest } from '../uploads/discard-rest.js';
import { receiveUpload } from '../uploads/receive-upload.js';
import type { Upload } from '../uploads/upload.js';
import { claimUpload, keepAnswer, type UploadKey, uploadKeyOf } from '../uploads/upload-idempotency.store.js';
import { LabelCounter } from './label-counter.js';

/** Files that come or are read at a time in one process; each costs a child while it lasts. */
const atOnce = 4;
const stallMs = 30_000;
/** Reading a file to its end once, in a process of its own. */
const readLimits = { maxRows: limits.datasetRows, memoryBytes: 1024 ** 3, stallMs: 60_000 };
const readWithinMs = 120_000;
const blockSize = { rows: 4_096, bytes: 8 * 1024 * 1024 };
const fields = {
  schema: DatasetFields,
  texts: ['name', 'description', 'labelColumn', 'idColumn', 'format', 'delimiter', 'digest'],
  json: ['columns', 'header', 'automatic'],
};

interface Checked {
  readonly format: TableFormat;
  readonly labels: LabelSummary;
}

/**
 * Takes a labelled set: the file is staged, read to its end once for its labels, and only then kept with its row. Whatever goes wrong before the
 * answer leaves nothing behind.
 */
@Injectable()
export class DatasetUpload {
  private readonly datasets: DatasetStore;
  private readonly models: ModelStore;
  private running = 0;

  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
  ) {
    this.datasets = new DatasetStore(platform.db.prisma);
    this.models = new ModelStore(platform.db.prisma);
  }

  async receive(caller: Caller, model: string, request: FastifyRequest): Promise<DatasetView> {
    if (this.running >= atOnce) {
      discardRest(request.raw);
      throw new SlipwayError('UPLOADS_BUSY', `${atOnce} labelled sets are being taken, which is the limit; send it again in a moment`, {
        retryAfterSeconds: 5,
      });
    }
    this.running += 1;
    try {
      // Before its megabytes are taken.
      await this.models.get(caller.projectId, model);
      return await this.take(caller, model, request);
    } catch (error) {
      discardRest(request.raw);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  private async take(caller: Caller, model: string, request: FastifyRequest): Promise<DatasetView> {
    const key = uploadKeyOf(request, caller);
    const shape = { maxBytes: this.platform.settings.SLIPWAY_MAX_BATCH_BYTES, stallMs, fields, what: 'the file of labelled rows' };
    const upload = await receiveUpload(request, this.artefacts, shape);
    try {
      refuseDigest(upload);
      const checked = await readLabels(upload);
      return await this.keep(caller, model, { upload, key, checked });
    } finally {
      // Gone already when it was committed.
      await this.artefacts.discard(upload.staged);
    }
  }

  /** File, row and the answer under the Idempotency-Key, together. */
  private async keep(
    caller: Caller,
    model: string,
    { upload, key, checked }: { readonly upload: Upload<DatasetFields>; readonly key: UploadKey | undefined; readonly checked: Checked },
  ): Promise<DatasetView> {
    const { prisma } = this.platform.db;
    const { staged, fields: said, fileName } = upload;
    try {
      return await prisma.$transaction(async (tx) => {
        await lockDigest(tx, staged.digest);
        const requestHash = sha256(JSON.stringify(['datasets', model, staged.digest, fileName ?? null, said]));
        const before = key === undefined ? undefined : await claimUpload(tx, key, requestHash, DatasetView);
        if (before !== undefined) return before;
        const view = await this.create(tx, caller, model, { upload, checked });
        if (key !== undefined) await keepAnswer(tx, key, 201, view);
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

  private create(
    tx: Transaction,
    caller: Caller,
    model: string,
    { upload, checked }: { readonly upload: Upload<DatasetFields>; readonly checked: Checked },
  ): Promise<DatasetView> {
    const { staged, fields: said, fileName } = upload;
    return this.datasets.create(tx, caller, model, {
      name: said.name,
      description: said.description,
      digest: staged.digest,
      sizeBytes: staged.sizeBytes,
      fileName,
      format: checked.format,
      options: DatasetOptions.parse(said),
      automatic: said.automatic,
      labels: checked.labels,
    });
  }
}

/** Reads the file to its end. @throws SlipwayError TABLE_UNREADABLE; DATASET_REFUSED without such columns, rows or labels */
async function readLabels({ staged, fields: said, fileName }: Upload<DatasetFields>): Promise<Checked> {
  const { labelColumn, idColumn, header, delimiter, columns } = said;
  if (columns?.includes(labelColumn) === true)
    throw new SlipwayError('DATASET_REFUSED', `columns: the label column ${JSON.stringify(labelColumn)} cannot be an input as well`);
  const format = recogniseFormat(await headOf(staged.path), { format: said.format, fileName });
  const counter = new LabelCounter();
  const reader = new TableReader(
    {
      path: staged.path,
      format,
      header,
      delimiter,
      // Versions with other inputs may come, so nothing but the named columns is asked of the file.
      columns: [labelColumn],
      idColumns: [labelColumn, ...(idColumn === undefined ? [] : [idColumn]), ...(columns ?? [])],
      model: { inputs: [{ name: labelColumn, datatype: 'BYTES', shape: [-1] }], hasRows: true },
    },
    blockSize,
    AbortSignal.timeout(readWithinMs),
    readLimits,
  );
  try {
    await reader.open();
    for (let block = await reader.read(); block !== undefined; block = await reader.read()) for (const [cell] of block.ids) counter.add(cell);
  } catch (error) {
    // The columns were asked for under another name than the sender's.
    if (error instanceof SlipwayError && error.code === 'TABLE_MAPPING_REFUSED')
      throw new SlipwayError('DATASET_REFUSED', error.message.replace(/^(idColumns|columns): /, 'labelColumn, idColumn, columns: '), {
        cause: error,
      });
    throw error;
  } finally {
    await reader.close();
  }
  const labels = counter.summary();
  if (labels.rows === 0) throw new SlipwayError('DATASET_REFUSED', 'expected rows; the file has none');
  if (labels.missing === labels.rows)
    throw new SlipwayError(
      'DATASET_REFUSED',
      `expected labels in the column ${JSON.stringify(labelColumn)}; none of the ${labels.rows} rows has one`,
    );
  return { format, labels };
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

function refuseDigest({ fields: said, staged }: Upload<DatasetFields>): void {
  if (said.digest === undefined || said.digest === staged.digest) return;
  throw new SlipwayError(
    'ARTEFACT_DIGEST_MISMATCH',
    `expected a file with the SHA-256 ${said.digest}; the ${staged.sizeBytes} bytes that arrived have ${staged.digest}`,
  );
}
