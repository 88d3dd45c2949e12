import { messageOf, SlipwayError } from '@slipway/contracts';
import {
  type AttemptResult,
  alertMail,
  asResolved,
  type ClaimedDelivery,
  type DeliveryStore,
  HookNotice,
  parseRetryAfter,
  type ReceiverStore,
  type ReceiverTarget,
  readPayload,
  receiverTarget,
  retryDelayMs,
  type WebhookPayload,
} from '@slipway/metrics';
import { type Egress, signWebhook } from '@slipway/platform';
import type { MailClient } from './mail.client.js';

export interface NotificationSenderOptions {
  readonly deliveries: DeliveryStore;
  readonly receivers: ReceiverStore;
  readonly masterKey: Uint8Array;
  readonly egress: Egress;
  /** Absent when no mail server is set. */
  readonly mail: MailClient | undefined;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly onAttempt?: (attempt: { receiverKind: string; result: AttemptResult['status']; error: string | undefined; deliveryId: string }) => void;
}

/** How sending went, before the schedule is asked what that means. */
type Sent =
  | { readonly ok: true; readonly responseCode?: number; readonly durationMs: number; readonly note?: string }
  | {
      readonly ok: false;
      readonly error: string;
      readonly final: boolean;
      readonly disable?: string;
      readonly retryAfterMs?: number;
      readonly responseCode?: number;
      readonly durationMs?: number;
    };

/**
 * Sends a notice once and writes how it went. Alarms, resolutions and tests all go this one way. May be called twice or late: the delivery
 * is claimed first, and the receiver gets the same id with every attempt, so it can tell a repetition.
 */
export class NotificationSender {
  private readonly now: () => number;

  constructor(private readonly options: NotificationSenderOptions) {
    this.now = options.now ?? Date.now;
  }

  /** @returns how the attempt ended; undefined when there was nothing to do. */
  async deliver(deliveryId: string): Promise<AttemptResult['status'] | undefined> {
    const claimed = await this.options.deliveries.claim(deliveryId);
    if (claimed === undefined) return undefined;
    const sent = await this.send(claimed);
    const result = this.resultOf(claimed, sent);
    await this.options.deliveries.finish(claimed, result);
    this.options.onAttempt?.({ receiverKind: claimed.receiver.kind, result: result.status, error: result.error, deliveryId });
    if (!sent.ok && sent.disable !== undefined) await this.options.receivers.disable(claimed.projectId, claimed.receiver.id, sent.disable);
    return result.status;
  }

  private async send(claimed: ClaimedDelivery): Promise<Sent> {
    const startedAt = performance.now();
    const durationMs = () => Math.round(performance.now() - startedAt);
    try {
      if (!claimed.receiver.enabled) return { ok: false, error: 'The receiver is switched off.', final: true };
      const target = receiverTarget(this.options.masterKey, claimed.receiver);
      if (claimed.kind === 'rollout') return await this.sendHook(claimed, target);
      const payload = freshPayload(claimed);
      return target.kind === 'EMAIL'
        ? await this.sendMail(claimed, payload, target.to, durationMs)
        : await this.sendWebhook(claimed, payload, target);
    } catch (error) {
      // Whatever it was, the schedule goes on with it: a notice that cannot be made must end as dead, not be tried every minute for good.
      if (!(error instanceof SlipwayError)) return { ok: false, error: `The notice could not be made: ${messageOf(error)}.`, final: false };
      return { ok: false, error: error.message, final: error.code === 'EGRESS_BLOCKED', durationMs: durationMs() };
    }
  }

  /** What a hook is told does not age: it is what happened then. */
  private async sendHook(claimed: ClaimedDelivery, target: ReceiverTarget): Promise<Sent> {
    if (target.kind === 'EMAIL') return { ok: false, error: 'A hook of a rollout needs a receiver of the kind WEBHOOK.', final: true };
    return this.sendWebhook(claimed, HookNotice.parse(claimed.payload), target);
  }

  private async sendWebhook(
    claimed: ClaimedDelivery,
    payload: WebhookPayload | HookNotice,
    target: Extract<ReceiverTarget, { kind: 'WEBHOOK' }>,
  ): Promise<Sent> {
    const body = JSON.stringify(payload);
    // Standard Webhooks 1.0: the id stays over retries, the time is that of the attempt. Its parts are joined with dots, so the id has none.
    const id = claimed.key.replaceAll('.', '_');
    const timestampSeconds = Math.floor(this.now() / 1000);
    const reply = await this.options.egress.post(target.url, {
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'slipway',
        'webhook-id': id,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': signWebhook(target.secret, { id, timestampSeconds, body }),
      },
    });
    const { status, durationMs } = reply;
    if (status >= 200 && status < 300) return { ok: true, responseCode: status, durationMs };
    const error = `The receiver answered ${status}${status >= 300 && status < 400 ? '; redirects are not followed' : ''}.`;
    if (status === 410) {
      const disable = 'the receiver answered 410, gone';
      return { ok: false, error: `${error} It wants no more notices and was switched off.`, final: true, disable, responseCode: status, durationMs };
    }
    const header = reply.headers['retry-after'];
    return { ok: false, error, final: false, retryAfterMs: parseRetryAfter(header, this.now()), responseCode: status, durationMs };
  }

  private async sendMail(claimed: ClaimedDelivery, payload: WebhookPayload, to: readonly string[], durationMs: () => number): Promise<Sent> {
    const { mail } = this.options;
    if (mail === undefined) return { ok: false, error: 'No mail server is set. Set SLIPWAY_SMTP_URL and restart.', final: false };
    const messageId = `${claimed.key}@${mail.domain}`;
    const first = `${threadOf(claimed.key)}@${mail.domain}`;
    const { refused } = await mail.send({ to, ...alertMail(payload), messageId, ...(first === messageId ? {} : { references: first }) });
    return {
      ok: true,
      durationMs: durationMs(),
      ...(refused === 0 ? {} : { note: `The mail server refused ${refused} of ${to.length} recipients.` }),
    };
  }

  private resultOf(claimed: ClaimedDelivery, sent: Sent): AttemptResult {
    const facts = {
      ...(sent.responseCode === undefined ? {} : { responseCode: sent.responseCode }),
      ...(sent.durationMs === undefined ? {} : { durationMs: sent.durationMs }),
    };
    if (sent.ok) return { ...facts, status: 'DELIVERED', ...(sent.note === undefined ? {} : { error: sent.note }) };
    const retryInMs = sent.final ? undefined : retryDelayMs(claimed.attempts, (this.options.random ?? Math.random)(), sent.retryAfterMs);
    if (retryInMs === undefined) return { ...facts, status: 'DEAD', error: sent.error };
    return { ...facts, status: 'PENDING', retryInMs, error: sent.error };
  }
}

/** What is true now: an alarm that ended before its notice got through is told as resolved. */
function freshPayload({ kind, payload, alert }: ClaimedDelivery): WebhookPayload {
  const stored = readPayload(payload);
  if (kind !== 'firing' || alert === null) return stored;
  const startedMs = Date.parse(stored.alerts[0]?.startsAt ?? '');
  const isSame = alert.firingAt !== null && Math.abs(alert.firingAt.getTime() - startedMs) < 1_000;
  if (isSame && alert.state === 'firing') return stored;
  const endedAt = isSame ? alert.resolvedAt : alert.firingAt;
  return endedAt === null ? stored : asResolved(stored, endedAt);
}

/** The key of the notice that began the thread: the firing of the same episode at the same receiver. */
function threadOf(key: string): string {
  return key.replace('.resolved.', '.firing.');
}
