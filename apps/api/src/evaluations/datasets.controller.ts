import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import { ChangeDataset, DatasetPage, DatasetView, PageQuery } from '@slipway/contracts';
import { DatasetStore } from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { DatasetUpload } from './dataset-upload.js';

const uploadDescription =
  'A CSV, NDJSON, Parquet or Arrow file as application/octet-stream, with the other fields in the query; or multipart/form-data with the part "file" and the others as fields. columns, header and automatic are JSON text.';

@Controller('v1/models/:model/datasets')
export class DatasetsController {
  private readonly datasets: DatasetStore;

  constructor(
    platform: Platform,
    private readonly uploads: DatasetUpload,
    private readonly collector: ArtefactCollector,
  ) {
    this.datasets = new DatasetStore(platform.db.prisma);
  }

  @Post()
  @Policy('develop')
  @RouteConfig(streamedUpload)
  @ApiConsumes('application/octet-stream', 'multipart/form-data')
  @ApiBody({ description: uploadDescription, schema: { type: 'string', format: 'binary' } })
  @ApiQuery({ name: 'name', required: false })
  @ApiQuery({ name: 'labelColumn', required: false, description: 'The column with the true class or value.' })
  @ApiQuery({ name: 'idColumn', required: false, description: 'A column that names the rows.' })
  @ApiQuery({ name: 'columns', required: false, description: 'JSON list: the columns that make up the one input, in its order.' })
  @ApiQuery({ name: 'automatic', required: false, description: 'true or false: whether every new version is evaluated on it.' })
  @ApiQuery({ name: 'description', required: false })
  @ApiQuery({ name: 'fileName', required: false })
  @ApiQuery({ name: 'format', required: false, description: 'csv, ndjson, parquet or arrow; recognised when it is not said.' })
  @ApiQuery({ name: 'header', required: false, description: 'CSV: true or false.' })
  @ApiQuery({ name: 'delimiter', required: false, description: 'CSV.' })
  @ApiQuery({ name: 'digest', required: false, description: 'SHA-256 in hexadecimal digits; another one is refused.' })
  @Answers(201, DatasetView, 'The set is stored; it never changes.')
  upload(@FromCaller() caller: Caller, @Param('model') model: string, @Req() request: FastifyRequest): Promise<DatasetView> {
    return this.uploads.receive(caller, model, request);
  }

  @Get()
  @Policy('view')
  @Answers(200, DatasetPage, 'The newest first.')
  list(@FromCaller() caller: Caller, @Param('model') model: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.datasets.list(caller.projectId, model, query);
  }

  @Get(':dataset')
  @Policy('view')
  @Answers(200, DatasetView)
  get(@FromCaller() caller: Caller, @Param('model') model: string, @Param('dataset') dataset: string): Promise<DatasetView> {
    return this.datasets.get(caller.projectId, model, dataset);
  }

  @Patch(':dataset')
  @Policy('develop')
  @Answers(200, DatasetView)
  change(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('dataset') dataset: string,
    @Body({ schema: ChangeDataset }) body: ChangeDataset,
  ): Promise<DatasetView> {
    return this.datasets.change(caller, model, dataset, body);
  }

  @Delete(':dataset')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted; refused while evaluations or gates refer to it.')
  async remove(@FromCaller() caller: Caller, @Param('model') model: string, @Param('dataset') dataset: string): Promise<void> {
    await this.collector.collect([await this.datasets.remove(caller, model, dataset)]);
  }
}
