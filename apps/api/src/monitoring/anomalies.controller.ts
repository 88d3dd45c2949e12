import { Controller, Get, Param, Query } from '@nestjs/common';
import { AnomalySeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { AnomalyPointStore, anomalyFrame, JudgementStore, seriesFrame } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

/** A day shows what is usual at a time of day. */
const defaultSpanMs = 86_400_000;

@Controller('v1/deployments/:deployment/anomalies')
export class AnomaliesController {
  private readonly deployments: DeploymentStore;
  private readonly points: AnomalyPointStore;
  private readonly judgements: JudgementStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.points = new AnomalyPointStore(db.pool);
    this.judgements = new JudgementStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    AnomalySeries,
    'Watched series with what was expected of them, in windows of five minutes or steps of several; and what was judged.',
    {
      name: 'anomalies',
      columns: ['at', 'series', 'value', 'expected', 'lower', 'upper', 'score', 'isAnomaly'],
      rows: anomalyRows,
    },
  )
  async anomalies(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<AnomalySeries> {
    const nowMs = Date.now();
    const toMs = query.to === undefined ? nowMs : Date.parse(query.to);
    const frame = anomalyFrame(seriesFrame({ ...query, from: query.from ?? new Date(toMs - defaultSpanMs).toISOString() }, nowMs));
    const { id } = await this.deployments.view(caller.projectId, name);
    const { fromMs, stepSeconds } = frame;
    const [series, judgements] = await Promise.all([
      this.points.series(id, frame),
      this.judgements.between({ deploymentId: id, kind: 'anomaly', fromMs, toMs: frame.toMs }),
    ]);
    return { from: new Date(fromMs).toISOString(), to: new Date(frame.toMs).toISOString(), stepSeconds, series, judgements };
  }
}

/** A row per window and series. */
function anomalyRows({ series }: AnomalySeries): CsvRow[] {
  return series.flatMap(({ name, points }) => points.map(({ at, ...point }) => ({ at, series: name, ...point })));
}
