import type { AlertRuleView } from '@slipway/contracts';
import { formatSpan } from '../time/format-time';
import { formatRatio, formatSeconds } from './format-number';

/** A rule as a sentence: `When the error share of fraud is above 5 % for 1 min, then notify ops.` */
export function ruleSentence(rule: Pick<AlertRuleView, 'kind' | 'params' | 'for' | 'receivers'>): string {
  const what = rule.kind === 'error_ratio' ? 'the error share' : 'the p95 latency';
  const value = rule.kind === 'error_ratio' ? formatRatio(rule.params.threshold) : formatSeconds(rule.params.threshold);
  const hold = rule.for === 0 ? 'at any evaluation' : `for ${formatSpan(rule.for * 1_000)}`;
  const then = rule.receivers.length === 0 ? 'then show it here' : `then notify ${rule.receivers.join(', ')}`;
  return `When ${what} of ${rule.params.deployment} is above ${value} ${hold}, ${then}.`;
}
