import { Controller, Get, Param, Query } from '@nestjs/common';
import { ResourceSeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore, HostStore } from '@slipway/deployments';
import { ResourceSeriesStore, seriesFrame } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/resources')
export class ResourcesController {
  private readonly deployments: DeploymentStore;
  private readonly hosts: HostStore;
  private readonly series: ResourceSeriesStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.hosts = new HostStore(db.prisma);
    this.series = new ResourceSeriesStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(200, ResourceSeries, 'Processor, memory and its limit, storage, throttling and GPU memory per step, in all and per instance.', {
    name: 'resources',
    columns: ['at', 'instance', 'host', 'version', 'cpuCores', 'memoryBytes', 'memoryLimitBytes'],
    rows: resourceRows,
  })
  async resources(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<ResourceSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.deployments.view(caller.projectId, name);
    const hosts = await this.hosts.describeAll();
    return this.series.series({ deploymentId: id, frame, version: query.version, nowMs, hosts });
  }
}

/** A row per step of the whole deployment (its instance is empty), then per step of each instance. */
function resourceRows({ total, instances }: ResourceSeries): CsvRow[] {
  return [
    ...total.map((point) => ({ instance: null, host: null, version: null, ...point })),
    ...instances.flatMap(({ instance, host, version, points }) => points.map((point) => ({ instance, host, version, ...point }))),
  ];
}
