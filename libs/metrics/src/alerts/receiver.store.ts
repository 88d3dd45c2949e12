import { type CreateReceiver, type DeliveryView, type Page, type PageQuery, type ReceiverView, SlipwayError } from '@slipway/contracts';
import {
  type ChangeBy,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newId,
  newWebhookSecret,
  pageFrom,
  recordEvent,
  seal,
  unseal,
} from '@slipway/platform';
import { z } from 'zod';
import { createDeliveries } from './delivery.store.js';
import { fingerprint } from './fingerprint.js';
import { webhookPayload } from './webhook-payload.js';

const EmailSettings = z.object({ to: z.array(z.string()) });
const WebhookSettings = z.object({ url: z.string() });

/** Where a notice goes. */
export type ReceiverTarget =
  | { readonly kind: 'EMAIL'; readonly to: readonly string[] }
  | { readonly kind: 'WEBHOOK'; readonly url: string; readonly secret: string };

interface Row {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly settings: unknown;
  readonly enabled: boolean;
  readonly createdAt: Date;
}

/** The place a sealed secret is bound to: one copied to another receiver does not open. */
const purposeOf = (receiverId: string) => `receiver:${receiverId}`;

/** Receivers of notices. A webhook's secret is stored encrypted and leaves once, in the answer to its creation. */
export class ReceiverStore {
  constructor(
    private readonly db: Database,
    private readonly masterKey: Uint8Array,
  ) {}

  /** @throws RECEIVER_NAME_TAKEN */
  async create(by: ChangeBy, wish: CreateReceiver): Promise<{ view: ReceiverView; secret: string | undefined }> {
    const id = newId('rcv');
    const secret = wish.kind === 'WEBHOOK' ? newWebhookSecret() : undefined;
    const data = {
      id,
      projectId: by.projectId,
      name: wish.name,
      kind: wish.kind,
      settings: wish.kind === 'EMAIL' ? { to: wish.to } : { url: wish.url },
      secretSealed: secret === undefined ? null : seal(this.masterKey, secret, purposeOf(id)),
    };
    try {
      const row = await this.db.$transaction(async (tx) => {
        const created = await tx.receiver.create({ data });
        await recordEvent(tx, {
          ...by,
          action: 'receiver.created',
          subject: { kind: 'receiver', id, name: wish.name },
          after: toReceiverView(created),
        });
        return created;
      });
      return { view: toReceiverView(row), secret };
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SlipwayError('RECEIVER_NAME_TAKEN', `There is already a receiver "${wish.name}" in this project.`, { cause: error });
    }
  }

  /** One page, ordered by name. */
  async list(projectId: string, page: PageQuery): Promise<Page<ReceiverView>> {
    const list = `receivers:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.receiver.findMany({
      where: { projectId, ...(after === undefined ? {} : { name: { gt: after } }) },
      orderBy: { name: 'asc' },
      take: page.limit + 1,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.name, toView: toReceiverView });
  }

  /** @throws RECEIVER_NOT_FOUND */
  async get(projectId: string, name: string): Promise<ReceiverView> {
    return toReceiverView(await this.find(projectId, name));
  }

  /** Where a receiver's notices go, with the secret opened; undefined when there is none of that name. */
  async target(projectId: string, name: string): Promise<{ id: string; enabled: boolean; target: ReceiverTarget } | undefined> {
    const row = await this.db.receiver.findUnique({ where: { projectId_name: { projectId, name } } });
    return row === null ? undefined : { id: row.id, enabled: row.enabled, target: receiverTarget(this.masterKey, row) };
  }

  /** Deletes it and the log of its deliveries. @throws RECEIVER_NOT_FOUND, RECEIVER_IN_USE */
  async remove(by: ChangeBy, name: string): Promise<void> {
    const row = await this.find(by.projectId, name);
    await this.db.$transaction(async (tx) => {
      const rule = await tx.alertRule.findFirst({ where: { projectId: by.projectId, receivers: { has: name } }, select: { name: true } });
      if (rule !== null)
        throw new SlipwayError('RECEIVER_IN_USE', `The alert rule "${rule.name}" sends to "${name}"; change or delete the rule first.`);
      const { count } = await tx.receiver.deleteMany({ where: { id: row.id } });
      if (count === 0) return;
      await recordEvent(tx, { ...by, action: 'receiver.deleted', subject: { kind: 'receiver', id: row.id, name }, before: toReceiverView(row) });
    });
  }

  /** Writes a test notice that takes the way of every other; returns the id of its delivery. @throws RECEIVER_NOT_FOUND */
  async test(by: ChangeBy, name: string, publicUrl: string): Promise<string> {
    const { id: receiverId } = await this.find(by.projectId, name);
    const key = `test-${newId('dlv')}.${receiverId}`;
    const labels = { alertname: 'test', deployment: 'none', project: by.projectId, severity: 'info' };
    const annotations = { summary: 'This is a test notice', description: `Sent by ${by.actor} to see whether "${name}" works. Nothing is wrong.` };
    const alert = { labels, annotations, startsAt: new Date(), resolvedAt: null, fingerprint: fingerprint(labels), url: `${publicUrl}/alerts` };
    const kind: DeliveryView['kind'] = 'test';
    const payload = webhookPayload(name, publicUrl, alert);
    await this.db.$transaction(async (tx) => {
      await createDeliveries(tx, [{ projectId: by.projectId, receiverId, alertId: null, key, kind, payload }]);
      await recordEvent(tx, { ...by, action: 'receiver.tested', subject: { kind: 'receiver', id: receiverId, name }, after: { notice: key } });
    });
    const { id } = await this.db.delivery.findUniqueOrThrow({ where: { key }, select: { id: true } });
    return id;
  }

  /** Ends sending to a receiver that said it wants no more; false when it was already switched off. */
  async disable(projectId: string, receiverId: string, reason: string): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const { count } = await tx.receiver.updateMany({ where: { id: receiverId, enabled: true }, data: { enabled: false } });
      if (count === 0) return false;
      const { name } = await tx.receiver.findUniqueOrThrow({ where: { id: receiverId }, select: { name: true } });
      const subject = { kind: 'receiver', id: receiverId, name };
      await recordEvent(tx, {
        projectId,
        actor: 'system:notifications',
        action: 'receiver.disabled',
        subject,
        reason,
        before: { enabled: true },
        after: { enabled: false },
      });
      return true;
    });
  }

  private async find(projectId: string, name: string) {
    const row = await this.db.receiver.findUnique({ where: { projectId_name: { projectId, name } } });
    if (row === null) throw new SlipwayError('RECEIVER_NOT_FOUND', `There is no receiver "${name.slice(0, 128)}" in this project.`);
    return row;
  }
}

/** Where to send, with the secret opened. */
export function receiverTarget(
  masterKey: Uint8Array,
  row: { id: string; kind: string; settings: unknown; secretSealed: string | null },
): ReceiverTarget {
  if (row.kind === 'EMAIL') return { kind: 'EMAIL', to: EmailSettings.parse(row.settings).to };
  if (row.secretSealed === null) throw new SlipwayError('INTERNAL', 'a webhook receiver has a secret', { details: { receiver: row.id } });
  return { kind: 'WEBHOOK', url: WebhookSettings.parse(row.settings).url, secret: unseal(masterKey, row.secretSealed, purposeOf(row.id)) };
}

function toReceiverView(row: Row): ReceiverView {
  const shared = { id: row.id, name: row.name, enabled: row.enabled, createdAt: row.createdAt.toISOString() };
  if (row.kind === 'EMAIL') return { ...shared, kind: 'EMAIL', to: EmailSettings.parse(row.settings).to };
  return { ...shared, kind: 'WEBHOOK', url: WebhookSettings.parse(row.settings).url };
}
