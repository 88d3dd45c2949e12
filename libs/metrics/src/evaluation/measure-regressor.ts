import type { EvaluationResult, Measure, RegressionMetric } from '@slipway/contracts';
import { wilsonInterval } from '../quality/intervals.js';
import { bootstrap, intervalOf, resamplesFor } from './bootstrap.js';
import {
  determination,
  type ErrorRows,
  errorRows,
  explainedVariance,
  meanAbsolute,
  meanAbsolutePercentage,
  meanError,
  medianAbsolute,
  percentagesMakeSense,
  rootMeanSquared,
  weightedAbsolutePercentage,
} from './error-measures.js';
import type { RegressedRows, Weights } from './labelled-rows.js';
import { measured, undefinedMeasure } from './measures.js';

const resamplesMost = 400;
const seed = 20_260_101;

/** Everything that is measured of a regressor on labelled rows. Rows without an answer are left out and counted in `answeredShare`. */
export function measureRegressor(rows: RegressedRows): EvaluationResult {
  const answered = errorRows(rows);
  const n = answered.truth.length;
  const statistics = regressorStatistics(answered);
  const resamples = resamplesFor(n, 8, resamplesMost);
  const resampled = bootstrap(n, { resamples, seed }, statistics);
  const metrics: Record<string, Measure> = {};
  for (const [name, value] of Object.entries(statistics(undefined))) {
    metrics[name] =
      value === undefined ? undefinedMeasure(n, whyNone(name, n)) : measured(value, intervalOf(value, resampled.get(name) ?? [], resamples), n);
  }
  const all = rows.truth.length;
  metrics.answeredShare = all === 0 ? undefinedMeasure(0, 'there are no labelled rows') : measured(n / all, wilsonInterval(n, all), all);
  return { kind: 'regression', metrics, classes: [], positiveClass: null, perClass: [], confusion: [], calibration: null };
}

/** Every metric of a regressor as a function of how often each row counts. */
export function regressorStatistics(rows: ErrorRows): (weights: Weights) => Partial<Record<RegressionMetric, number | undefined>> {
  const showsPercentages = percentagesMakeSense(rows);
  return (weights) => ({
    mae: meanAbsolute(rows, weights),
    rmse: rootMeanSquared(rows, weights),
    medae: medianAbsolute(rows, weights),
    bias: meanError(rows, weights),
    r2: determination(rows, weights),
    explainedVariance: explainedVariance(rows, weights),
    wape: weightedAbsolutePercentage(rows, weights),
    mape: showsPercentages ? meanAbsolutePercentage(rows, weights) : undefined,
  });
}

function whyNone(name: string, n: number): string {
  if (n === 0) return 'no labelled row has a prediction';
  if (name === 'mape') return 'a true value is below 1 % of their median, and percentages of it would say nothing';
  if (name === 'wape') return 'all true values are 0';
  return 'all true values are one and the same';
}
