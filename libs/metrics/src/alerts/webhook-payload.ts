import { z } from 'zod';

const Labels = z.record(z.string(), z.string());
const Status = z.enum(['firing', 'resolved']);

/** One alert in a version-4 payload. A firing one ends at the zero time. */
export const PayloadAlert = z.object({
  status: Status,
  labels: Labels,
  annotations: Labels,
  startsAt: z.string(),
  endsAt: z.string(),
  generatorURL: z.string(),
  fingerprint: z.string(),
});
export type PayloadAlert = z.infer<typeof PayloadAlert>;

/** Alertmanager's webhook payload, version 4; the order of the fields is that in which they are sent. */
export const WebhookPayload = z.object({
  receiver: z.string(),
  status: Status,
  alerts: z.array(PayloadAlert),
  groupLabels: Labels,
  commonLabels: Labels,
  commonAnnotations: Labels,
  externalURL: z.string(),
  version: z.literal('4'),
  groupKey: z.string(),
  truncatedAlerts: z.number(),
});
export type WebhookPayload = z.infer<typeof WebhookPayload>;

/** The zero time of Go, which stands for "not yet" in this format. */
export const zeroTime = '0001-01-01T00:00:00Z';

export interface NoticeAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: Date;
  readonly resolvedAt: Date | null;
  readonly fingerprint: string;
  readonly url: string;
}

/** The payload of one alert for one receiver, grouped by rule and deployment. */
export function webhookPayload(receiver: string, externalURL: string, alert: NoticeAlert): WebhookPayload {
  const status = alert.resolvedAt === null ? 'firing' : 'resolved';
  const labels = sorted(alert.labels);
  const annotations = sorted(alert.annotations);
  const groupLabels = sorted(Object.fromEntries(['alertname', 'deployment'].map((name) => [name, alert.labels[name] ?? ''])));
  return {
    receiver,
    status,
    alerts: [
      {
        status,
        labels,
        annotations,
        startsAt: second(alert.startsAt),
        endsAt: alert.resolvedAt === null ? zeroTime : second(alert.resolvedAt),
        generatorURL: alert.url,
        fingerprint: alert.fingerprint,
      },
    ],
    groupLabels,
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL,
    version: '4',
    groupKey: groupKeyOf(groupLabels),
    truncatedAlerts: 0,
  };
}

/** Reads a stored payload. The database's JSON keeps no order of names, and what is signed and sent should not depend on it. */
export function readPayload(stored: unknown): WebhookPayload {
  const payload = WebhookPayload.parse(stored);
  return {
    ...payload,
    alerts: payload.alerts.map((alert) => ({ ...alert, labels: sorted(alert.labels), annotations: sorted(alert.annotations) })),
    groupLabels: sorted(payload.groupLabels),
    commonLabels: sorted(payload.commonLabels),
    commonAnnotations: sorted(payload.commonAnnotations),
  };
}

/** A notice that an alert fires, sent after the alert was resolved meanwhile, says so. */
export function asResolved(payload: WebhookPayload, resolvedAt: Date): WebhookPayload {
  return { ...payload, status: 'resolved', alerts: payload.alerts.map((alert) => ({ ...alert, status: 'resolved', endsAt: second(resolvedAt) })) };
}

function groupKeyOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{}:{${pairs.join(', ')}}`;
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** RFC 3339 without a fraction where it is zero, as Go writes it. */
function second(at: Date): string {
  return at.toISOString().replace('.000Z', 'Z');
}
