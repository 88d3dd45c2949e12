import { Controller, Get, Param, Query } from '@nestjs/common';
import { HostSeries, WholeSeriesQuery } from '@slipway/contracts';
import { HostStore } from '@slipway/deployments';
import { HostSeriesStore, seriesFrame } from '@slipway/metrics';
import { Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/hosts/:host/resources')
export class HostResourcesController {
  private readonly hosts: HostStore;
  private readonly series: HostSeriesStore;

  constructor({ db }: Platform) {
    this.hosts = new HostStore(db.prisma);
    this.series = new HostSeriesStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(200, HostSeries, 'Processor, memory, storage, network and pressure of a whole machine per step, with everything that runs on it.', {
    name: 'resources',
    columns: ['at', 'cpuCores', 'cpuRatio', 'memoryBytes', 'memoryLimitBytes'],
    rows: ({ points }) => points,
  })
  async resources(@Param('host') name: string, @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery): Promise<HostSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.hosts.view(name);
    return this.series.series({ host: id, name, frame, nowMs });
  }
}
