import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes, ApiProduces, ApiQuery } from '@nestjs/swagger';
import {
  ArchiveVersion,
  ChangeVersion,
  CompatibilityQuery,
  CompatibilityView,
  pageOf,
  SlipwayError,
  VersionCreated,
  VersionDetail,
  VersionFileView,
  VersionListQuery,
  VersionPage,
} from '@slipway/contracts';
import { type ArtefactStore, parseVersionNumber, VersionStore } from '@slipway/registry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { VersionCompatibility } from './version-compatibility.js';
import { VersionUpload } from './version-upload.js';

const uploadDescription =
  'The model file as application/octet-stream, with the other fields in the query; or multipart/form-data with the part "file", a part "data" for each file of external data (its file name is the one the model refers to), and the others as fields. tags, provenance and task are JSON text.';

@Controller('v1/models/:model/versions')
export class VersionsController {
  private readonly versions: VersionStore;

  constructor(
    platform: Platform,
    private readonly uploads: VersionUpload,
    private readonly collector: ArtefactCollector,
    private readonly compatibilities: VersionCompatibility,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
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
  @ApiQuery({ name: 'card', required: false, description: 'Markdown' })
  @ApiQuery({ name: 'digest', required: false, description: 'SHA-256 of the model file in hexadecimal digits; another one is refused.' })
  @ApiQuery({ name: 'tags', required: false, description: 'JSON text' })
  @ApiQuery({ name: 'provenance', required: false, description: 'JSON text' })
  @ApiQuery({ name: 'task', required: false, description: 'JSON text' })
  @Answers(201, VersionCreated, 'The file is stored; a validation decides whether the version becomes READY or REJECTED.')
  upload(@FromCaller() caller: Caller, @Param('model') model: string, @Req() request: FastifyRequest): Promise<VersionCreated> {
    return this.uploads.receive(caller, model, request);
  }

  @Get()
  @Policy('view')
  @Answers(200, VersionPage, 'The newest version first unless another order is asked for; archived ones only when asked for.')
  list(@FromCaller() caller: Caller, @Param('model') model: string, @Query({ schema: VersionListQuery }) query: VersionListQuery) {
    return this.versions.list(caller.projectId, model, query);
  }

  @Get(':version')
  @Policy('view')
  @Answers(200, VersionDetail)
  get(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<VersionDetail> {
    return this.versions.get(caller.projectId, model, parseVersionNumber(model, version));
  }

  @Get(':version/card')
  @Policy('view')
  @ApiProduces('text/markdown')
  @Answers(200, undefined, 'The model card as Markdown; empty when there is none.')
  async card(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { card } = await this.versions.get(caller.projectId, model, parseVersionNumber(model, version));
    await reply.header('x-content-type-options', 'nosniff').type('text/markdown; charset=utf-8').send(card);
  }

  @Get(':version/compatibility')
  @Policy('view')
  @Answers(200, CompatibilityView, 'What callers of the other version would see if this one took its place.')
  compatibility(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Query({ schema: CompatibilityQuery }) query: CompatibilityQuery,
  ): Promise<CompatibilityView> {
    return this.compatibilities.compare(caller.projectId, model, parseVersionNumber(model, version), query.with);
  }

  @Get(':version/files')
  @Policy('view')
  @Answers(200, pageOf(VersionFileView), 'The model first, then its external data.')
  async files(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string) {
    return { items: await this.versions.files(caller.projectId, model, parseVersionNumber(model, version)) };
  }

  @Get(':version/files/:file')
  @Policy('develop')
  @ApiProduces('application/octet-stream')
  @Answers(200, undefined, 'The bytes of one file.')
  async file(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Param('file') name: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const files = await this.versions.files(caller.projectId, model, parseVersionNumber(model, version));
    const file = files.find((one) => one.name === name);
    if (file === undefined) throw noFile(name, files);
    const { stream, sizeBytes } = await this.artefacts.open(file.digest);
    await reply
      .header('content-length', sizeBytes)
      .header('content-disposition', `attachment; filename="${file.name}"`)
      .header('cache-control', 'private, no-store')
      .header('etag', `"${file.digest}"`)
      .header('x-content-type-options', 'nosniff')
      .type('application/octet-stream')
      .send(stream);
  }

  @Patch(':version')
  @Policy('develop')
  @Answers(200, VersionDetail, 'A task is checked against the signature.')
  change(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: ChangeVersion }) body: ChangeVersion,
  ): Promise<VersionDetail> {
    return this.versions.change(caller, model, parseVersionNumber(model, version), body);
  }

  @Post(':version/archive')
  @HttpCode(200)
  @Policy('develop')
  @Answers(200, VersionDetail, 'Hidden from lists, and neither deployed nor aliased any more.')
  archive(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: ArchiveVersion }) body: ArchiveVersion,
  ): Promise<VersionDetail> {
    return this.versions.archive(caller, model, parseVersionNumber(model, version), body.reason);
  }

  @Post(':version/unarchive')
  @HttpCode(200)
  @Policy('develop')
  @Answers(200, VersionDetail)
  unarchive(
    @FromCaller() caller: Caller,
    @Param('model') model: string,
    @Param('version') version: string,
    @Body({ schema: ArchiveVersion }) body: ArchiveVersion,
  ): Promise<VersionDetail> {
    return this.versions.unarchive(caller, model, parseVersionNumber(model, version), body.reason);
  }

  @Delete(':version')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted; refused while anything refers to it; archive it then.')
  async remove(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<void> {
    await this.collector.collect(await this.versions.remove(caller, model, parseVersionNumber(model, version)));
  }
}

function noFile(name: string, files: readonly VersionFileView[]): SlipwayError {
  const names = files.slice(0, 10).map((file) => JSON.stringify(file.name));
  return new SlipwayError(
    'ARTEFACT_NOT_FOUND',
    `expected one of the version's files, ${names.join(', ')}; given ${JSON.stringify(name.slice(0, 100))}`,
  );
}
