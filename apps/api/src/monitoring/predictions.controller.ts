import { Controller, Get, Param, Query } from '@nestjs/common';
import { PredictionOrigin, PredictionOriginQuery, PredictionRows, type PredictionView, SlipwayError } from '@slipway/contracts';
import { type RevisionNames, revisionNames } from '@slipway/deployments';
import { PredictionStore, type StoredPrediction } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { HistoryReader } from '../history/history-reader.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/predictions')
export class PredictionsController {
  private readonly predictions: PredictionStore;
  private readonly reader: HistoryReader;

  constructor(private readonly platform: Platform) {
    this.predictions = new PredictionStore(platform.db.pool);
    this.reader = new HistoryReader(platform);
  }

  @Get(':prediction')
  @Policy('view')
  @Answers(200, PredictionRows, 'The recorded rows of a prediction; with "#row" after the id that row alone.')
  async get(@FromCaller() caller: Caller, @Param('prediction') id: string): Promise<{ items: PredictionView[] }> {
    const rows = await this.predictions.find(caller.projectId, id);
    const [first] = rows;
    const names = first === undefined ? undefined : await revisionNames(this.platform.db.prisma, first.revisionId);
    if (names === undefined)
      throw new SlipwayError(
        'PREDICTION_NOT_FOUND',
        `there is no record of a prediction "${id.slice(0, 64)}" in this project; records arrive some seconds after the answer`,
      );
    return { items: rows.map((row) => toPredictionView(row, names)) };
  }

  @Get(':prediction/origin')
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

function toPredictionView(row: StoredPrediction, names: RevisionNames): PredictionView {
  return {
    id: row.id,
    row: row.row,
    at: new Date(row.atMs).toISOString(),
    deployment: names.deployment,
    model: names.model,
    version: row.versionNumber,
    revision: names.revision,
    digest: names.digest,
    clientId: row.clientId,
    predicted: row.predictedNumber ?? row.predicted,
    score: row.score,
    computeMicros: row.computeMicros,
    label: labelOf(row),
    labelledAt: row.labelledAt?.toISOString() ?? null,
  };
}

/** A class that was predicted as a number is shown as one in its label too. */
function labelOf({ label, labelNumber, predictedNumber }: StoredPrediction): string | number | null {
  if (labelNumber !== null || label === null) return labelNumber;
  const number = Number(label);
  return predictedNumber !== null && String(number) === label ? number : label;
}
