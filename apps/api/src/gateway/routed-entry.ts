import type { RoutingRevision } from '@slipway/deployments';
import type { ListNode } from '@slipway/inference';
import type { InstanceLink } from './instance-link.js';

/** Why a request could not be given to any revision. */
export type Unroutable = 'nothing_serves' | 'no_such_version' | 'version_loading';

/** Why a lane does not take a request. Waits are predicted, in seconds. */
export type LaneRefusal =
  | { readonly kind: 'not_ready' }
  | { readonly kind: 'queue_full'; readonly waitSeconds: number }
  /** It would wait for longer than its deadline, or than anybody should. */
  | { readonly kind: 'too_late'; readonly waitSeconds: number }
  /** Its place was given to a request that goes before it. */
  | { readonly kind: 'displaced'; readonly waitSeconds: number }
  | { readonly kind: 'quarantined' };

/** A request as routing and queues see it. */
export interface RoutedEntry {
  /** Set when the caller asked for a version: it is never re-routed to another one. */
  readonly version: number | undefined;
  readonly routingKey: string;
  /** Sent once already, and lost: it does not go to a candidate again. */
  readonly isRetry?: boolean;
  /** A copy that nobody waits for; it goes to one revision or nowhere. */
  readonly isCopy?: boolean;
  /** Of background work: whether it may go to this instance; to any where it does not say. */
  accepts?(link: InstanceLink): boolean;
  /** The lower one is served first; see `rankOf`. */
  readonly rank: number;
  /** ms, monotonic. */
  readonly deadlineAt: number;
  /** What its input is recognised by; costs a hash. */
  readonly fingerprint: string;
  /** Where it waits, while it does. */
  place: ListNode<RoutedEntry> | undefined;
  queue: { withdraw(entry: RoutedEntry): void } | undefined;
  /** The instance has room: send it now. */
  send(link: InstanceLink, revision: RoutingRevision): void;
  refuse(refusal: LaneRefusal, revision: RoutingRevision): void;
  unroutable(why: Unroutable): void;
  /** Its time is over. */
  onDeadline(): void;
}
