import type { RoutingRevision } from '@slipway/deployments';
import type { ListNode } from './entry-list.js';
import type { InstanceLink } from './instance-link.js';

/** Why a request could not be given to any revision. */
export type Unroutable = 'nothing_serves' | 'no_such_version' | 'version_loading';

/** A request as routing and queues see it. */
export interface RoutedEntry {
  /** Set when the caller asked for a version: it is never re-routed to another one. */
  readonly version: number | undefined;
  readonly routingKey: string;
  /** Where it waits, while it does. */
  place: ListNode<RoutedEntry> | undefined;
  queue: { withdraw(entry: RoutedEntry): void } | undefined;
  /** The instance has room: send it now. */
  send(link: InstanceLink, revision: RoutingRevision): void;
  refuse(refusal: 'not_ready' | 'queue_full', revision: RoutingRevision, retryAfterSeconds: number): void;
  unroutable(why: Unroutable): void;
}
