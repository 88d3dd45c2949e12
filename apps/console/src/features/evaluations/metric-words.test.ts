import { classificationMetrics, regressionMetrics } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { mainMetrics, metricWords } from './metric-words';

it.each([
  ['f1Macro', 'F1, macro'],
  ['rocAucWeighted', 'ROC-AUC, weighted'],
  ['recall:malignant', 'Recall of malignant'],
  ['top5Accuracy', 'Right among the first 5'],
  ['something', 'something'],
])('says %s', (metric, expected) => {
  expect(metricWords(metric)).toBe(expected);
});

it('has words for every metric there is', () => {
  expect([...classificationMetrics, ...regressionMetrics].filter((metric) => metricWords(metric) === metric)).toEqual([]);
});

it('shows those that were measured', () => {
  expect(mainMetrics(['rmse', 'mae', 'bias'])).toEqual(['mae', 'rmse']);
});
