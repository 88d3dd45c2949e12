import { SlipwayError } from '@slipway/contracts';
import type { InstanceSpec } from '@slipway/inference';

/** Where an instance listens for gateways on other machines. */
export type Door = NonNullable<InstanceSpec['door']>;

/**
 * The ports of this host's instances, one each, for as long as the instance is there: its address outlives its processes. Each next one is tried
 * after the last, so that a port which somebody else has is not given out again and again.
 */
export class DoorPorts {
  private readonly taken = new Map<string, number>();
  private next: number;

  constructor(private readonly range: { readonly from: number; readonly to: number }) {
    this.next = range.from;
  }

  /** @throws SlipwayError START_REFUSED when all are taken */
  take(instanceId: string): number {
    const { from, to } = this.range;
    const used = new Set(this.taken.values());
    for (let tries = to - from + 1; tries > 0; tries -= 1) {
      const port = this.next;
      this.next = port === to ? from : port + 1;
      if (used.has(port)) continue;
      this.taken.set(instanceId, port);
      return port;
    }
    throw new SlipwayError('START_REFUSED', `all ports of SLIPWAY_INSTANCE_PORTS (${from}-${to}) are taken by instances`);
  }

  /** Of an instance that an earlier worker started. */
  keep(instanceId: string, port: number): void {
    this.taken.set(instanceId, port);
  }

  free(instanceId: string): void {
    this.taken.delete(instanceId);
  }
}
