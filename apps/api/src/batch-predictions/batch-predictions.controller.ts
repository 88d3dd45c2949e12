import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import { BatchPredictionPage, BatchPredictionQuery, BatchPredictionView, PageQuery, RowErrorPage } from '@slipway/contracts';
import { type ArtefactStore, BatchPredictionStore } from '@slipway/registry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { BatchPredictionCreation } from './batch-prediction-creation.js';

const createDescription =
  'A CSV, NDJSON, Parquet or Arrow file as application/octet-stream, with the other fields in the query; or multipart/form-data with the part "file" and the others as fields (version, columns, idColumns and header are JSON text); or application/json that names a stored file: {"deployment": …, "input": {"digest": …}, …}.';
const contentTypes = { ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present' } as const;

@Controller('v1/batch-predictions')
export class BatchPredictionsController {
  private readonly store: BatchPredictionStore;

  constructor(
    platform: Platform,
    private readonly creation: BatchPredictionCreation,
    private readonly collector: ArtefactCollector,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
  ) {
    this.store = new BatchPredictionStore(platform.db.prisma, platform.settings.SLIPWAY_RETENTION_BATCH_DAYS);
  }

  @Post()
  @HttpCode(202)
  @Policy('predict')
  @RouteConfig(streamedUpload)
  @ApiConsumes('application/octet-stream', 'multipart/form-data', 'application/json')
  @ApiBody({ description: createDescription, schema: { type: 'string', format: 'binary' } })
  @ApiQuery({ name: 'deployment', required: false })
  @ApiQuery({ name: 'version', required: false, description: 'A version that the deployment serves; without it, whichever serves.' })
  @ApiQuery({ name: 'fileName', required: false })
  @ApiQuery({ name: 'format', required: false, description: 'csv, ndjson, parquet or arrow; recognised when it is not said.' })
  @ApiQuery({ name: 'columns', required: false, description: 'JSON list: the columns that make up the one input, in its order.' })
  @ApiQuery({ name: 'idColumns', required: false, description: 'JSON list: columns copied to the result.' })
  @ApiQuery({ name: 'header', required: false, description: 'CSV: true or false.' })
  @ApiQuery({ name: 'delimiter', required: false, description: 'CSV.' })
  @ApiQuery({ name: 'resultFormat', required: false, description: 'ndjson or csv.' })
  @ApiQuery({ name: 'digest', required: false, description: 'SHA-256 in hexadecimal digits; another one is refused.' })
  @Answers(202, BatchPredictionView, 'The file is stored, its columns fit the model, and the job waits for a worker.')
  create(@FromCaller() caller: Caller, @Req() request: FastifyRequest): Promise<BatchPredictionView> {
    return this.creation.receive(caller, request);
  }

  @Get()
  @Policy('predict', 'view')
  @Answers(200, BatchPredictionPage, 'The newest first.')
  list(@FromCaller() caller: Caller, @Query({ schema: BatchPredictionQuery }) query: BatchPredictionQuery) {
    return this.store.list(caller.projectId, query);
  }

  @Get(':id')
  @Policy('predict', 'view')
  @Answers(200, BatchPredictionView)
  get(@FromCaller() caller: Caller, @Param('id') id: string): Promise<BatchPredictionView> {
    return this.store.get(caller.projectId, id);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Policy('predict')
  @Answers(200, BatchPredictionView, 'Over at once; what was done of it is dropped.')
  cancel(@FromCaller() caller: Caller, @Param('id') id: string): Promise<BatchPredictionView> {
    return this.store.cancel(caller, id);
  }

  @Get(':id/result')
  @Policy('predict')
  @Answers(200, undefined, 'One line per row of the file, in its order, as NDJSON or CSV.')
  async result(@FromCaller() caller: Caller, @Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const { digest, format, fileName } = await this.store.result(caller.projectId, id);
    const { sizeBytes, stream } = await this.artefacts.open(digest);
    await reply
      .header('content-length', sizeBytes)
      .header('content-disposition', `attachment; filename="${fileName}"`)
      .header('cache-control', 'private, no-store')
      .header('x-content-type-options', 'nosniff')
      .type(contentTypes[format])
      .send(stream);
  }

  @Get(':id/errors')
  @Policy('predict')
  @Answers(200, RowErrorPage, 'Rows without a prediction, by number; the first ten thousand of them.')
  errors(@FromCaller() caller: Caller, @Param('id') id: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.store.errors(caller.projectId, id, query);
  }

  @Delete(':id')
  @HttpCode(204)
  @Policy('predict')
  @Answers(204, undefined, 'Deleted with its files; refused while it waits or runs.')
  async remove(@FromCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    await this.collector.collect(await this.store.remove(caller, id));
  }
}
