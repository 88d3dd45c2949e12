import { Controller, Get, Param, Query } from '@nestjs/common';
import { type FailurePoint, FailureSeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { FailureSeriesStore, JudgementStore, seriesFrame } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/failures')
export class FailuresController {
  private readonly deployments: DeploymentStore;
  private readonly store: FailureSeriesStore;
  private readonly judgements: JudgementStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.store = new FailureSeriesStore(db.pool);
    this.judgements = new JudgementStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(200, FailureSeries, 'Failures per step and reason, ends of instances, some of the requests that failed, and how all that is judged.', {
    name: 'failures',
    columns: ['at', 'valid', 'errors', 'errorRatio'],
    rows: ({ total }) => total.map(failureRow),
  })
  async failures(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<FailureSeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const { id } = await this.deployments.view(caller.projectId, name);
    const [series, judgements] = await Promise.all([
      this.store.series({ deploymentId: id, frame, version: query.version, nowMs }),
      this.judgements.current(id, ['failures']),
    ]);
    return { ...series, judgements };
  }
}

function failureRow({ reasons, instanceReasons, ...point }: FailurePoint): CsvRow {
  return { ...point, ...prefixed('reason_', reasons), ...prefixed('instance_', instanceReasons) };
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): CsvRow {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]));
}
