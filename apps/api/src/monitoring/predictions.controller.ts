import { Controller, Get, Param } from '@nestjs/common';
import { PredictionRows, type PredictionView, SlipwayError } from '@slipway/contracts';
import { type RevisionNames, revisionNames } from '@slipway/deployments';
import { PredictionStore, type StoredPrediction } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/predictions')
export class PredictionsController {
  private readonly predictions: PredictionStore;

  constructor(private readonly platform: Platform) {
    this.predictions = new PredictionStore(platform.db.pool);
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
