/** A machine that runs models. */
export interface Host {
  readonly id: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  /** Its own and the added ones. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether new instances may be placed on it. */
  readonly schedulable: boolean;
  /** What is on it is to be replaced elsewhere. */
  readonly draining: boolean;
  /** Heartbeat on the database's clock. */
  readonly lastSeenAt: Date;
}

/** How often a host says that it is there. */
export const heartbeatEveryMs = 1_000;

/**
 * A host that has been silent for this long gets no new instances, and its instances are replaced elsewhere: six heartbeats, and little enough that
 * the replacements serve within 15 s of its last word.
 */
export const hostSilentAfterMs = 6_000;

/** Whether the host has been heard of lately; both times are the database's. */
export function isLive(host: Pick<Host, 'lastSeenAt'>, now: Date): boolean {
  return now.getTime() - host.lastSeenAt.getTime() < hostSilentAfterMs;
}
