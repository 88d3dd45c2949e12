import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import {
  CreateReplay,
  ReplayDifferences,
  ReplayDifferencesQuery,
  type ReplayDifferenceView,
  ReplayPage,
  ReplayQuery,
  ReplayView,
  SlipwayError,
} from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { openSummary, ReplayStore, RequestSampleStore, sampleKey } from '@slipway/metrics';
import { findVersion } from '@slipway/registry';
import type { FastifyReply } from 'fastify';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { differencesAsCsv, differencesAsNdjson } from './difference-lines.js';

@Controller('v1/replays')
export class ReplaysController {
  private readonly replays: ReplayStore;
  private readonly samples: RequestSampleStore;
  private readonly deployments: DeploymentStore;
  private readonly key: Uint8Array;

  constructor(private readonly platform: Platform) {
    const { db, masterKey } = platform;
    this.replays = new ReplayStore(db.prisma);
    this.samples = new RequestSampleStore(db.pool);
    this.deployments = new DeploymentStore(db.prisma);
    this.key = sampleKey(masterKey);
  }

  @Post()
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, ReplayView, 'The replay waits for a worker; nothing of the deployment is touched by it.')
  async create(@FromCaller() caller: Caller, @Body({ schema: CreateReplay }) body: CreateReplay): Promise<ReplayView> {
    const deployment = await this.deployments.view(caller.projectId, body.deployment);
    const { model, row } = await findVersion(this.platform.db.prisma, caller.projectId, deployment.model, choiceOf(body));
    if (row.status !== 'READY')
      throw new SlipwayError('VERSION_NOT_READY', `version ${row.number} of "${model.name}" is ${row.status}; only a READY one can be replayed`);
    const window = { deploymentId: deployment.id, from: instantOf(body.from, earliest), to: instantOf(body.to, latest) };
    const found = await this.samples.newest(window, body.requests);
    if (found === undefined) throw noRequests(deployment.name, body);
    const version = { id: row.id, number: row.number };
    return this.replays.create(caller, { deployment, modelName: model.name, version, speed: body.speed, reason: body.reason, found });
  }

  @Get()
  @Policy('view')
  @Answers(200, ReplayPage, 'The newest first.')
  list(@FromCaller() caller: Caller, @Query({ schema: ReplayQuery }) query: ReplayQuery) {
    return this.replays.list(caller.projectId, query);
  }

  @Get(':id')
  @Policy('view')
  @Answers(200, ReplayView)
  get(@FromCaller() caller: Caller, @Param('id') id: string): Promise<ReplayView> {
    return this.replays.get(caller.projectId, id);
  }

  @Get(':id/differences')
  @Policy('deploy')
  @ApiProduces('application/json', 'text/csv', 'application/x-ndjson')
  @Answers(
    200,
    ReplayDifferences,
    'The requests that the two versions answered most differently, with their inputs as they were kept; as JSON, CSV or NDJSON.',
  )
  async differences(
    @FromCaller() caller: Caller,
    @Param('id') id: string,
    @Query({ schema: ReplayDifferencesQuery }) { format }: ReplayDifferencesQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const items = await this.withInputs(caller.projectId, id);
    if (format === 'json') {
      await reply.header('cache-control', 'private, no-store').send({ items });
      return;
    }
    const type = format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8';
    await reply
      .header('content-disposition', `attachment; filename="${id}-differences.${format}"`)
      .header('cache-control', 'private, no-store')
      .header('x-content-type-options', 'nosniff')
      .type(type)
      .send(format === 'csv' ? differencesAsCsv(items) : differencesAsNdjson(items));
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Policy('deploy')
  @Answers(200, ReplayView, 'Over at once; what it has shown so far stays.')
  cancel(@FromCaller() caller: Caller, @Param('id') id: string): Promise<ReplayView> {
    return this.replays.cancel(caller, id);
  }

  @Delete(':id')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted; refused while it waits or runs.')
  remove(@FromCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    return this.replays.remove(caller, id);
  }

  /** What is not kept any more has no inputs to show. */
  private async withInputs(projectId: string, id: string): Promise<ReplayDifferenceView[]> {
    const { deploymentId, items } = await this.replays.differences(projectId, id);
    const kept = await this.samples.summaries(
      deploymentId,
      items.map(({ predictionId }) => predictionId),
    );
    return items.map((item) => {
      const sealed = kept.get(item.predictionId);
      const inputs = sealed === undefined ? null : openSummary(this.key, { projectId, deploymentId, id: item.predictionId }, sealed);
      return { ...item, inputs };
    });
  }
}

/** The schema has seen to it that one of them is there. */
function choiceOf({ version, alias = '' }: CreateReplay): { version: number } | { alias: string } {
  return version === undefined ? { alias } : { version };
}

const earliest = 0;
/** The end of PostgreSQL's and of JavaScript's common calendar; far enough. */
const latest = Date.UTC(9999, 11, 31);

function instantOf(text: string | undefined, otherwise: number): Date {
  return new Date(text ?? otherwise);
}

function noRequests(deployment: string, { from, to }: CreateReplay): SlipwayError {
  const where = from === undefined && to === undefined ? '' : ' in this window';
  return new SlipwayError(
    'REPLAY_NO_REQUESTS',
    `no requests of "${deployment}" are kept${where}; deploy a revision with "requestSamples" in its spec, for example {"spec": {"requestSamples": {"percent": 10}}}`,
  );
}
