/** A machine that runs models. */
export interface Host {
  readonly id: string;
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Heartbeat on the database's clock. */
  readonly lastSeenAt: Date;
}

/** A host that has been silent for this long gets no new instances, and its instances are replaced elsewhere. */
export const hostSilentAfterMs = 15_000;

/** Whether the host has been heard of lately; both times are the database's. */
export function isLive(host: Pick<Host, 'lastSeenAt'>, now: Date): boolean {
  return now.getTime() - host.lastSeenAt.getTime() < hostSilentAfterMs;
}
