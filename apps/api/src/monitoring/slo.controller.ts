import { Controller, Get, Param, Query } from '@nestjs/common';
import { SloSeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { SloStatusStore, seriesFrame } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

/** A budget is shown over a usual period when nothing is asked. */
const defaultSpanMs = 30 * 86_400_000;

@Controller('v1/deployments/:deployment/slo')
export class SloController {
  private readonly deployments: DeploymentStore;
  private readonly status: SloStatusStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.status = new SloStatusStore(db);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    SloSeries,
    'How each objective stands: burn rates, what is left of its error budget, and how it was spent, in steps of whole hours.',
    {
      name: 'slo',
      columns: ['at', 'objective', 'bad', 'valid', 'errorRatio', 'budgetRemaining'],
      rows: sloRows,
    },
  )
  async slo(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<SloSeries> {
    const nowMs = Date.now();
    const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
    const frame = seriesFrame({ ...query, from: query.from ?? new Date(toMs - defaultSpanMs).toISOString() }, nowMs);
    const { id, name: deployment, task } = await this.deployments.view(caller.projectId, name);
    return this.status.series({ deployment: { id, name: deployment, task: task ?? undefined }, frame, nowMs });
  }
}

/** A row per step and objective. */
function sloRows({ objectives }: SloSeries): CsvRow[] {
  return objectives.flatMap(({ name, points }) => points.map(({ at, ...point }) => ({ at, objective: name, ...point })));
}
