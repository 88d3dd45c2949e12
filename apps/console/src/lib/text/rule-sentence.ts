import type { AlertRuleView } from '@slipway/contracts';
import { formatSpan } from '../time/format-time';
import { formatRatio, formatSeconds } from './format-number';

/** What each kind of rule watches. */
export const ruleWords: Readonly<Record<AlertRuleView['kind'], string>> = {
  error_ratio: 'the error share',
  latency_p95: 'the p95 latency',
  quality: 'the quality',
  estimated_quality: 'the estimated quality',
  prediction_error: 'the prediction error',
  drift: 'the drift',
  data_quality: 'the data quality',
  noise: 'the noise',
  failures: 'the failures',
  anomaly: 'any time series',
  slo: 'an objective',
  labels: 'the arrival of labels',
};

/** A rule as a sentence: `When the error share of fraud is above 5 % for 1 min, then notify ops.` */
export function ruleSentence(rule: Pick<AlertRuleView, 'kind' | 'params' | 'for' | 'receivers'>): string {
  const { subject } = rule.params;
  const hold = rule.for === 0 ? 'at any evaluation' : `for ${formatSpan(rule.for * 1_000)}`;
  const then = rule.receivers.length === 0 ? 'then show it here' : `then notify ${rule.receivers.join(', ')}`;
  const of = `${ruleWords[rule.kind]}${subject === null ? '' : ` (${subject})`} of ${rule.params.deployment}`;
  return `When ${of} ${conditionOf(rule)} ${hold}, ${then}.`;
}

function conditionOf({ kind, params }: Pick<AlertRuleView, 'kind' | 'params'>): string {
  if (params.threshold === null) return 'is judged an alarm';
  return `is above ${kind === 'error_ratio' ? formatRatio(params.threshold) : formatSeconds(params.threshold)}`;
}
