import { Controller, Get, Param, Query } from '@nestjs/common';
import {
  type Page,
  PredictionListQuery,
  PredictionOrigin,
  PredictionOriginQuery,
  PredictionPage,
  PredictionRows,
  type PredictionView,
  SlipwayError,
} from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { PredictionStore } from '@slipway/metrics';
import { allows, type Caller, FromCaller, Policy } from '../access/policy.js';
import { HistoryReader } from '../history/history-reader.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { predictionViews } from './prediction-views.js';

@Controller('v1')
export class PredictionsController {
  private readonly predictions: PredictionStore;
  private readonly deployments: DeploymentStore;
  private readonly reader: HistoryReader;

  constructor(private readonly platform: Platform) {
    this.predictions = new PredictionStore(platform.db.pool);
    this.deployments = new DeploymentStore(platform.db.prisma);
    this.reader = new HistoryReader(platform);
  }

  @Get('deployments/:deployment/predictions')
  @Policy('view')
  @Answers(
    200,
    PredictionPage,
    'Recorded predictions, the newest first. A page may be thin, or empty, and still name a next one. Kept inputs: with develop or deploy.',
  )
  async list(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: PredictionListQuery }) query: PredictionListQuery,
  ): Promise<Page<PredictionView>> {
    const { id } = await this.deployments.view(caller.projectId, name);
    const page = await this.predictions.list(id, query, Date.now());
    return { ...page, items: await predictionViews(this.platform, page.items, mayReadInputs(caller)) };
  }

  @Get('predictions/:prediction')
  @Policy('view')
  @Answers(200, PredictionRows, 'The recorded rows of a prediction; with "#row" after the id that row alone. Kept inputs: with develop or deploy.')
  async get(@FromCaller() caller: Caller, @Param('prediction') id: string): Promise<{ items: PredictionView[] }> {
    const items = await predictionViews(this.platform, await this.predictions.find(caller.projectId, id), mayReadInputs(caller));
    if (items.length === 0)
      throw new SlipwayError(
        'PREDICTION_NOT_FOUND',
        `there is no record of a prediction "${id.slice(0, 64)}" in this project; records arrive some seconds after the answer`,
      );
    return { items };
  }

  @Get('predictions/:prediction/origin')
  @Policy('view')
  @Answers(200, PredictionOrigin, 'The file that answered and who deployed it; without a record, whatever took traffic at the time in the id.')
  async origin(
    @FromCaller() caller: Caller,
    @Param('prediction') id: string,
    @Query({ schema: PredictionOriginQuery }) query: PredictionOriginQuery,
  ): Promise<PredictionOrigin> {
    const [first] = await this.predictions.find(caller.projectId, id);
    return this.reader.origin(caller.projectId, id, first?.revisionId, query.deployment);
  }
}

/** Inputs may be personal data: who only looks at how a model is doing does not see them. */
function mayReadInputs({ scopes }: Caller): boolean {
  return allows(scopes, 'develop') || allows(scopes, 'deploy');
}
