import type { Judgement, ruleKinds, severities } from '@slipway/contracts';

export type RuleKind = (typeof ruleKinds)[number];
export type Severity = (typeof severities)[number];

/** What an alert is about. */
export interface AlertSubject {
  readonly rule: string;
  readonly kind: RuleKind;
  readonly severity: Severity;
  readonly projectId: string;
  readonly deployment: string;
  /** Of the rule, as people gave them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels that Slipway sets; a rule cannot set them. */
export const reservedLabels = ['alertname', 'deployment', 'kind', 'project', 'severity'] as const;

/** The label set of an alert, which is its identity. */
export function alertLabels(subject: AlertSubject): Record<string, string> {
  return {
    ...subject.labels,
    alertname: subject.rule,
    deployment: subject.deployment,
    kind: subject.kind,
    project: subject.projectId,
    severity: subject.severity,
  };
}

/** In alarm, and when it is over. */
const words: Readonly<Record<RuleKind, readonly [string, string]>> = {
  error_ratio: ['share of failed requests is above its limit', 'share of failed requests is back below its limit'],
  latency_p95: ['95 % latency is above its limit', '95 % latency is back below its limit'],
  quality: ['quality has dropped', 'quality is back within its limits'],
  estimated_quality: ['quality has dropped by estimate', 'estimated quality is back within its limits'],
  prediction_error: ['predictions are further from the truth than they were', 'prediction error is back within its limits'],
  drift: ['data have drifted', 'data are like the reference again'],
  data_quality: ['data are missing, unknown or out of range', 'data are sound again'],
  noise: ['the same input does not get the same answer', 'answers repeat again'],
  failures: ['the model fails more than it did', 'failures are back to what they were'],
  anomaly: ['something is unusual', 'all is as usual again'],
  slo: ['the error budget is being burnt', 'the error budget is safe again'],
  labels: ['labels have stopped', 'labels are coming again'],
};

/** What people read: in notices and on the alert's page. */
export function alertAnnotations(subject: AlertSubject, judgement: Judgement): Record<string, string> {
  const high = judgement.verdict === 'alarm';
  return {
    summary: `${subject.deployment}: ${words[subject.kind][high ? 0 : 1]}`,
    description: judgement.reason,
    ...(judgement.value === null ? {} : { value: String(judgement.value) }),
    ...(judgement.threshold === null ? {} : { threshold: String(judgement.threshold) }),
  };
}
