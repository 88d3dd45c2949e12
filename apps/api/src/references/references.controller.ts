import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import { LearnReference, ReferenceDetail, ReferenceItem, ReferencePage, ReferenceQuery } from '@slipway/contracts';
import { ReferenceStore } from '@slipway/metrics';
import { parseVersionNumber } from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { ReferenceCreation } from './reference-creation.js';
import { ReferenceLearning } from './reference-learning.js';

const createDescription =
  'application/json: {"dataset": name} makes it of a labelled set, {"from": number} takes over that of another version with the same signature and task. Or a CSV, NDJSON, Parquet or Arrow file as application/octet-stream, with the other fields in the query; or multipart/form-data with the part "file" and the others as fields. columns, idColumns and header are JSON text.';

/** What a version's inputs, outputs and quality looked like when all was well: what drift and estimates are judged against. */
@Controller('v1/models/:model/versions/:version/reference-profiles')
export class ReferencesController {
  private readonly references: ReferenceStore;

  constructor(
    platform: Platform,
    private readonly creation: ReferenceCreation,
    private readonly learning: ReferenceLearning,
    private readonly collector: ArtefactCollector,
  ) {
    this.references = new ReferenceStore(platform.db.prisma);
  }

  @Post()
  @HttpCode(202)
  @Policy('develop')
  @RouteConfig(streamedUpload)
  @ApiConsumes('application/json', 'application/octet-stream', 'multipart/form-data')
  @ApiBody({ description: createDescription, schema: { type: 'string', format: 'binary' } })
  @ApiQuery({ name: 'labelColumn', required: false, description: 'The column with the true class or value, where the rows have one.' })
  @ApiQuery({ name: 'idColumns', required: false, description: 'JSON list: columns that are no input.' })
  @ApiQuery({ name: 'columns', required: false, description: 'JSON list: the columns that make up the one input, in its order.' })
  @ApiQuery({ name: 'fileName', required: false })
  @ApiQuery({ name: 'format', required: false, description: 'csv, ndjson, parquet or arrow; recognised when it is not said.' })
  @ApiQuery({ name: 'header', required: false, description: 'CSV: true or false.' })
  @ApiQuery({ name: 'delimiter', required: false, description: 'CSV.' })
  @ApiQuery({ name: 'digest', required: false, description: 'SHA-256 in hexadecimal digits; another one is refused.' })
  @Answers(202, ReferenceItem, 'It waits for a worker, which runs the version over the rows; one that is taken over is ready at once.')
  create(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string, @Req() request: FastifyRequest) {
    return this.creation.receive(caller, model, parseVersionNumber(model, version), request);
  }

  @Post('learn')
  @HttpCode(202)
  @Policy('develop')
  @Answers(202, ReferenceItem, 'A new one is learned from the rows answered from now on. Drift is judged again when it is ready.')
  learn(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: LearnReference }) body: LearnReference,
  ): Promise<ReferenceItem> {
    return this.learning.begin(caller, model, parseVersionNumber(model, version), body);
  }

  @Get()
  @Policy('view')
  @Answers(200, ReferencePage, 'The newest first.')
  async list(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Query({ schema: ReferenceQuery }) query: ReferenceQuery,
  ) {
    return this.references.list(await this.versionOf(caller, model, version), query);
  }

  @Get('active')
  @Policy('view')
  @Answers(200, ReferenceDetail, 'The one that judgements stand on now, with its distributions.')
  async active(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<ReferenceDetail> {
    return this.references.getActive(await this.versionOf(caller, model, version));
  }

  @Get(':id')
  @Policy('view')
  @Answers(200, ReferenceDetail, 'With its distributions.')
  async get(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Param('id') id: string,
  ): Promise<ReferenceDetail> {
    return this.references.get(await this.versionOf(caller, model, version), id);
  }

  @Delete(':id')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted; of those that are left the newest that is ready is active.')
  async remove(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Param('id') id: string,
  ): Promise<void> {
    const digest = await this.references.remove(caller, await this.versionOf(caller, model, version), id);
    if (digest !== undefined) await this.collector.collect([digest]);
  }

  private async versionOf(caller: Caller, model: string, version: string) {
    const { of } = await this.creation.version(caller.projectId, model, parseVersionNumber(model, version));
    return of;
  }
}
