import { type Transaction, toJson } from '../database/database.js';
import { newId } from '../ids/ids.js';
import { channels, nudge } from '../nudges/nudges.client.js';

/** Who changes something, in which project, by which request: goes into the event of the change. */
export interface ChangeBy {
  readonly projectId: string;
  /** "key:<name>", "session:<actor>" or "system:<part>". */
  readonly actor: string;
  readonly requestId?: string | undefined;
}

/** One thing that changed: who, what, why, before and after. History, audit, webhooks and the console read from here. */
export interface NewEvent extends ChangeBy {
  /** noun.verb, for example "deployment.rolled_back". */
  readonly action: string;
  readonly subject: { readonly kind: string; readonly id: string; readonly name: string };
  readonly reason?: string | undefined;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Writes the event in the transaction of the change it tells of. */
export async function recordEvent(tx: Transaction, event: NewEvent): Promise<void> {
  await tx.event.create({
    data: {
      id: newId('evt'),
      projectId: event.projectId,
      actor: event.actor,
      action: event.action,
      subjectKind: event.subject.kind,
      subjectId: event.subject.id,
      subjectName: event.subject.name,
      reason: event.reason ?? null,
      ...(event.before === undefined ? {} : { before: toJson(event.before) }),
      ...(event.after === undefined ? {} : { after: toJson(event.after) }),
      requestId: event.requestId ?? null,
    },
  });
  await nudge(tx, channels.events);
}
