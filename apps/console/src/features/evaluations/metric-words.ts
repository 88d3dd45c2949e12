const words: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy',
  balancedAccuracy: 'Balanced accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
  rocAuc: 'ROC-AUC',
  prAuc: 'PR-AUC',
  logLoss: 'Log loss',
  brier: 'Brier score',
  ece: 'Calibration error',
  eceEqualWidth: 'Calibration error, equal widths',
  mcc: 'Matthews correlation',
  kappa: "Cohen's kappa",
  answeredShare: 'Answered',
  mae: 'MAE',
  rmse: 'RMSE',
  medae: 'Median absolute error',
  bias: 'Bias',
  r2: 'R²',
  explainedVariance: 'Explained variance',
  wape: 'WAPE',
  mape: 'MAPE',
};

const averages: readonly (readonly [string, string])[] = [
  ['Macro', ', macro'],
  ['Weighted', ', weighted'],
  ['Micro', ', micro'],
];

/** `f1Macro` as people say it; of one class: `recall:malignant` is "Recall of malignant". */
export function metricWords(metric: string): string {
  const [name = '', of] = metric.split(':', 2);
  if (of !== undefined) return `${metricWords(name)} of ${of}`;
  const known = words[name];
  if (known !== undefined) return known;
  for (const [ending, text] of averages) if (name.endsWith(ending)) return `${metricWords(name.slice(0, -ending.length))}${text}`;
  const top = /^top(\d+)Accuracy$/.exec(name);
  return top === null ? name : `Right among the first ${top[1]}`;
}

/** The few that a list has room for, in this order, as far as they were measured. */
export function mainMetrics(names: readonly string[]): readonly string[] {
  return ['accuracy', 'f1', 'f1Macro', 'rocAuc', 'logLoss', 'mae', 'rmse', 'r2'].filter((name) => names.includes(name)).slice(0, 4);
}
