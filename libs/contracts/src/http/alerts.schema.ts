import { z } from 'zod';
import { ResourceName } from '../names.js';
import { alertStates } from '../statuses.js';
import { plainText } from '../text.js';
import { Judgement, judgementKinds } from './monitoring.schema.js';
import { Instant, pageOf } from './paging.schema.js';

const RuleParams = z.strictObject({
  deployment: ResourceName,
  /** Error share: above it (0 to 1). Latency: p95 above it in seconds. What is judged anyway has its own limits and takes none here. */
  threshold: z.number().positive().optional(),
  /** Error share and latency are taken over so long, and judged only with so many requests. */
  windowSeconds: z.number().int().min(10).max(86_400).default(60),
  minRequests: z.number().int().min(1).max(1_000_000).default(10),
  /** Of a judged kind, only this metric, feature, probe, series or objective; all of them without it. */
  subject: plainText(256).optional(),
});
/** Judged by the rule itself, over its own window. */
export const measuredRuleKinds = ['error_ratio', 'latency_p95'] as const;
/** The others follow what is judged of the deployment anyway: the alert says what the console says. */
export const ruleKinds = [...measuredRuleKinds, ...judgementKinds] as const;
export function isMeasuredKind(kind: string): kind is (typeof measuredRuleKinds)[number] {
  return measuredRuleKinds.some((measured) => measured === kind);
}
export const severities = ['page', 'ticket', 'info'] as const;
const shape = {
  name: ResourceName,
  kind: z.enum(ruleKinds),
  params: RuleParams,
  /** How long the condition must hold before the alert fires, in seconds. */
  for: z.number().int().min(0).max(86_400).default(60),
  severity: z.enum(severities).default('ticket'),
  labels: z.record(ResourceName, plainText(256)).default({}),
  receivers: z.array(ResourceName).max(20).default([]),
  actions: z
    .array(z.strictObject({ kind: z.literal('roll_back') }))
    .max(0, 'actions are not supported yet')
    .default([]),
  enabled: z.boolean().default(true),
};
export const CreateAlertRule = z.strictObject(shape).superRefine(({ kind, params }, ctx) => {
  const refuse = (field: string, message: string) => ctx.addIssue({ code: 'custom', path: ['params', field], message });
  if (!isMeasuredKind(kind)) {
    if (params.threshold !== undefined) refuse('threshold', `"${kind}" is judged by its own limit; expected no threshold`);
    return;
  }
  if (params.subject !== undefined) refuse('subject', `"${kind}" has one subject, the deployment; expected none here`);
  if (params.threshold === undefined) refuse('threshold', kind === 'error_ratio' ? 'expected an error share between 0 and 1' : 'expected seconds');
  else if (kind === 'error_ratio' && params.threshold >= 1) refuse('threshold', 'an error share is below 1, or the rule could never fire');
});
export type CreateAlertRule = z.infer<typeof CreateAlertRule>;
export const ChangeAlertRule = z.strictObject({
  params: RuleParams.omit({ deployment: true, subject: true }).partial().optional(),
  for: shape.for.unwrap().optional(),
  severity: z.enum(severities).optional(),
  receivers: shape.receivers.unwrap().optional(),
  enabled: z.boolean().optional(),
});
export type ChangeAlertRule = z.infer<typeof ChangeAlertRule>;
export const AlertRuleView = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(ruleKinds),
  params: z.object({
    deployment: z.string(),
    threshold: z.number().nullable(),
    windowSeconds: z.number(),
    minRequests: z.number(),
    subject: z.string().nullable(),
  }),
  for: z.number(),
  severity: z.enum(severities),
  labels: z.record(z.string(), z.string()),
  receivers: z.array(z.string()),
  actions: z.array(z.unknown()),
  enabled: z.boolean(),
  state: z.enum(alertStates),
  judgement: Judgement.nullable(),
  evaluatedAt: Instant.nullable(),
  createdAt: Instant,
  createdBy: z.string(),
});
export type AlertRuleView = z.infer<typeof AlertRuleView>;
export const AlertRulePage = pageOf(AlertRuleView);

export const AlertView = z.object({
  id: z.string(),
  rule: z.string(),
  kind: z.enum(ruleKinds),
  deployment: z.string(),
  severity: z.enum(severities),
  state: z.enum(alertStates),
  fingerprint: z.string(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  judgement: Judgement.nullable(),
  pendingAt: Instant.nullable(),
  firingAt: Instant.nullable(),
  resolvedAt: Instant.nullable(),
  updatedAt: Instant,
});
export type AlertView = z.infer<typeof AlertView>;
export const AlertPage = pageOf(AlertView);

export const CreateReceiver = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('EMAIL'), name: ResourceName, to: z.array(z.email()).min(1).max(50) }),
  z.strictObject({ kind: z.literal('WEBHOOK'), name: ResourceName, url: z.url({ protocol: /^https?$/ }).and(plainText(2048)) }),
]);
export type CreateReceiver = z.infer<typeof CreateReceiver>;
export const ReceiverView = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['EMAIL', 'WEBHOOK']),
  to: z.array(z.string()).optional(),
  url: z.string().optional(),
  enabled: z.boolean(),
  createdAt: Instant,
});
export type ReceiverView = z.infer<typeof ReceiverView>;
/** The signing secret is shown in this answer and never again. */
export const ReceiverCreated = ReceiverView.extend({ secret: z.string().optional() });
export type ReceiverCreated = z.infer<typeof ReceiverCreated>;
export const ReceiverPage = pageOf(ReceiverView);

export const DeliveryView = z.object({
  id: z.string(),
  receiver: z.string(),
  kind: z.enum(['firing', 'resolved', 'test', 'rollout']),
  status: z.enum(['PENDING', 'DELIVERED', 'DEAD']),
  attempts: z.number(),
  nextAttemptAt: Instant.nullable(),
  lastError: z.string().nullable(),
  responseCode: z.number().nullable(),
  durationMs: z.number().nullable(),
  createdAt: Instant,
  deliveredAt: Instant.nullable(),
  alertId: z.string().nullable(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;
export const DeliveryPage = pageOf(DeliveryView);
