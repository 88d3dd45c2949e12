/** Metrics of a classifier on labelled rows, by name. Of one class: `recall:malignant`. */
export const classificationMetrics = [
  'accuracy',
  'balancedAccuracy',
  'precision',
  'recall',
  'f1',
  'precisionMacro',
  'recallMacro',
  'f1Macro',
  'precisionWeighted',
  'recallWeighted',
  'f1Weighted',
  'precisionMicro',
  'recallMicro',
  'f1Micro',
  'mcc',
  'kappa',
  'answeredShare',
  'rocAuc',
  'rocAucWeighted',
  'prAuc',
  'prAucWeighted',
  'logLoss',
  'brier',
  'ece',
  'eceEqualWidth',
  'top3Accuracy',
  'top5Accuracy',
] as const;
export const regressionMetrics = ['mae', 'rmse', 'medae', 'bias', 'r2', 'explainedVariance', 'wape', 'mape', 'answeredShare'] as const;
export type ClassificationMetric = (typeof classificationMetrics)[number];
export type RegressionMetric = (typeof regressionMetrics)[number];
/** Metrics of each single class. */
export const perClassMetrics = ['precision', 'recall', 'f1', 'rocAuc', 'prAuc'] as const;
export type PerClassMetric = (typeof perClassMetrics)[number];

const lowerIsBetter: ReadonlySet<string> = new Set(['logLoss', 'brier', 'ece', 'eceEqualWidth', 'mae', 'rmse', 'medae', 'wape', 'mape']);
const known: ReadonlySet<string> = new Set([...classificationMetrics, ...regressionMetrics]);
const perClass: ReadonlySet<string> = new Set(perClassMetrics);

/** Which way a metric gets better; `none` for the bias, which is best at 0. */
export function betterDirection(metric: string): 'higher' | 'lower' | 'none' {
  if (metric === 'bias') return 'none';
  return lowerIsBetter.has(metric) ? 'lower' : 'higher';
}

/** Whether there is a metric of this name, of all rows or of one class. */
export function isEvaluationMetric(metric: string): boolean {
  const colon = metric.indexOf(':');
  return colon === -1 ? known.has(metric) : perClass.has(metric.slice(0, colon)) && colon < metric.length - 1;
}
