import type { Judgement, severities } from '@slipway/contracts';
import type { RuleKind } from '../rules/judge-rule.js';

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

const conditionOf: Readonly<Record<RuleKind, string>> = { error_ratio: 'share of failed requests', latency_p95: '95 % latency' };

/** What people read: in notices and on the alert's page. */
export function alertAnnotations(subject: AlertSubject, judgement: Judgement): Record<string, string> {
  const high = judgement.verdict === 'alarm';
  return {
    summary: `${subject.deployment}: ${conditionOf[subject.kind]} is ${high ? 'above' : 'back below'} its limit`,
    description: judgement.reason,
    ...(judgement.value === null ? {} : { value: String(judgement.value) }),
    ...(judgement.threshold === null ? {} : { threshold: String(judgement.threshold) }),
  };
}
