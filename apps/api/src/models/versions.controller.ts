import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiQuery } from '@nestjs/swagger';
import { ChangeVersion, PageQuery, VersionCreated, VersionPage, VersionView } from '@slipway/contracts';
import { parseVersionNumber, VersionStore } from '@slipway/registry';
import type { FastifyRequest } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { VersionUpload } from './version-upload.js';

const uploadDescription =
  'The model file as application/octet-stream, with the other fields in the query; or multipart/form-data with the part "file" and the others as fields. tags, provenance and task are JSON text.';

@Controller('v1/models/:model/versions')
export class VersionsController {
  private readonly versions: VersionStore;

  constructor(
    platform: Platform,
    private readonly uploads: VersionUpload,
    private readonly collector: ArtefactCollector,
  ) {
    this.versions = new VersionStore(platform.db.prisma);
  }

  @Post()
  @Policy('develop')
  @RouteConfig(streamedUpload)
  @ApiConsumes('application/octet-stream', 'multipart/form-data')
  @ApiBody({ description: uploadDescription, schema: { type: 'string', format: 'binary' } })
  @ApiQuery({ name: 'fileName', required: false })
  @ApiQuery({ name: 'description', required: false })
  @ApiQuery({ name: 'digest', required: false, description: 'SHA-256 in hexadecimal digits; another one is refused.' })
  @ApiQuery({ name: 'tags', required: false, description: 'JSON text' })
  @ApiQuery({ name: 'provenance', required: false, description: 'JSON text' })
  @ApiQuery({ name: 'task', required: false, description: 'JSON text' })
  @Answers(201, VersionCreated, 'The file is stored; a validation decides whether the version becomes READY or REJECTED.')
  upload(@FromCaller() caller: Caller, @Param('model') model: string, @Req() request: FastifyRequest): Promise<VersionCreated> {
    return this.uploads.receive(caller, model, request);
  }

  @Get()
  @Policy('view')
  @Answers(200, VersionPage, 'The newest version first.')
  list(@FromCaller() caller: Caller, @Param('model') model: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.versions.list(caller.projectId, model, query);
  }

  @Get(':version')
  @Policy('view')
  @Answers(200, VersionView)
  get(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<VersionView> {
    return this.versions.get(caller.projectId, model, parseVersionNumber(model, version));
  }

  @Patch(':version')
  @Policy('develop')
  @Answers(200, VersionView, 'A task is checked against the signature.')
  change(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: ChangeVersion }) body: ChangeVersion,
  ): Promise<VersionView> {
    return this.versions.change(caller, model, parseVersionNumber(model, version), body);
  }

  @Delete(':version')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted; refused while an alias or a deployment refers to it.')
  async remove(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<void> {
    await this.collector.collect([await this.versions.remove(caller, model, parseVersionNumber(model, version))]);
  }
}
