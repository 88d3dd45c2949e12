import { Controller, Get, Param, Query } from '@nestjs/common';
import { QualitySeries, ResourceSeries, SeriesQuery, ServingSeries } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { QualitySeriesStore, ResourceSeriesStore, ServingSeriesStore, seriesFrame, servingSeries } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

/** Charts of a deployment. */
@Controller('v1/deployments/:deployment')
export class MonitoringController {
  private readonly deployments: DeploymentStore;
  private readonly servingStore: ServingSeriesStore;
  private readonly resourceStore: ResourceSeriesStore;
  private readonly qualityStore: QualitySeriesStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.servingStore = new ServingSeriesStore(db.pool);
    this.resourceStore = new ResourceSeriesStore(db.pool);
    this.qualityStore = new QualitySeriesStore(db.pool);
  }

  @Get('serving')
  @Policy('view')
  @Answers(200, ServingSeries, 'Requests, errors and latency per step, in all and per version.')
  async serving(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: SeriesQuery }) query: SeriesQuery,
  ): Promise<ServingSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.deployments.view(caller.projectId, name);
    return servingSeries(await this.servingStore.steps({ deploymentId: id, frame, version: query.version }), frame, nowMs);
  }

  @Get('resources')
  @Policy('view')
  @Answers(200, ResourceSeries, 'Processor, memory and storage per step, in all and per instance.')
  async resources(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: SeriesQuery }) query: SeriesQuery,
  ): Promise<ResourceSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.deployments.view(caller.projectId, name);
    return this.resourceStore.series({ deploymentId: id, frame, version: query.version, nowMs });
  }

  @Get('quality')
  @Policy('view')
  @Answers(200, QualitySeries, 'Accuracy, recall, F1 or errors from labels, filed under the time of the prediction.')
  async quality(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: SeriesQuery }) query: SeriesQuery,
  ): Promise<QualitySeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id, task } = await this.deployments.view(caller.projectId, name);
    return this.qualityStore.series({ deploymentId: id, frame, version: query.version, nowMs, task: task ?? undefined });
  }
}
