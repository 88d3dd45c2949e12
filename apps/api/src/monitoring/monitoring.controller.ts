import { Controller, Get, Param, Query } from '@nestjs/common';
import { QualitySeries, SeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { QualitySeriesStore, seriesFrame } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

/** Charts of a deployment. */
@Controller('v1/deployments/:deployment')
export class MonitoringController {
  private readonly deployments: DeploymentStore;
  private readonly qualityStore: QualitySeriesStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.qualityStore = new QualitySeriesStore(db.pool);
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
