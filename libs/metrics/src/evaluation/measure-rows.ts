import type { EvaluationResult } from '@slipway/contracts';
import type { ArrangedRows } from './arrange-rows.js';
import { measureClassifier } from './measure-classifier.js';
import { measureRegressor } from './measure-regressor.js';

/** Everything that is measured of a version on labelled rows. Takes time: up to some seconds for a million rows. */
export function measureRows(arranged: ArrangedRows): EvaluationResult {
  return arranged.kind === 'classifier' ? measureClassifier(arranged.rows, arranged.task) : measureRegressor(arranged.rows);
}
