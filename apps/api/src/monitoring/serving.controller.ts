import { Controller, Get, Param, Query } from '@nestjs/common';
import { type ServingPoint, ServingSeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { ServingSeriesStore, seriesFrame, servingSeries } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/serving')
export class ServingController {
  private readonly deployments: DeploymentStore;
  private readonly series: ServingSeriesStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.series = new ServingSeriesStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(200, ServingSeries, 'Requests, errors and latency per step, in all and per version.', {
    name: 'serving',
    columns: ['at', 'version', 'requests', 'requestsPerSecond', 'errors', 'errorRatio'],
    rows: servingRows,
  })
  async serving(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<ServingSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.deployments.view(caller.projectId, name);
    return servingSeries(await this.series.steps({ deploymentId: id, frame, version: query.version }), frame, nowMs);
  }
}

/** A row per step of the whole deployment (its version is empty), then per step of each version. */
function servingRows({ total, versions }: ServingSeries): CsvRow[] {
  return [
    ...total.map((point) => servingRow(null, point)),
    ...versions.flatMap(({ version, points }) => points.map((point) => servingRow(version, point))),
  ];
}

function servingRow(version: number | null, { at, outcomes, ...values }: ServingPoint): CsvRow {
  return { at, version, ...values, ...Object.fromEntries(Object.entries(outcomes).map(([outcome, count]) => [`outcome_${outcome}`, count])) };
}
