import { Counter, Gauge, type Registry } from '@slipway/metrics';
import type { GatewayCore } from './gateway-core.js';
import type { SnapshotFeed } from './snapshot-feed.js';

/** What a gateway tells about itself beside the requests it served; read when scraped. */
export function exposeGateway(registry: Registry, core: GatewayCore, feed: SnapshotFeed): void {
  const registers = [registry];
  new Gauge({
    name: 'slipway_gateway_snapshot_age_seconds',
    help: 'Seconds since the database last confirmed the routing snapshot; grows while the database is away.',
    registers,
    collect() {
      this.set(feed.ageSeconds ?? Number.NaN);
    },
  });
  new Gauge({
    name: 'slipway_gateway_requests_in_flight',
    help: 'Prediction requests that have no answer yet.',
    registers,
    collect() {
      this.set(core.inFlight);
    },
  });
  new Gauge({
    name: 'slipway_gateway_requests_waiting',
    help: 'Prediction requests that wait in the gateway for an instance.',
    registers,
    collect() {
      let waiting = 0;
      for (const deployment of core.routing.all) waiting += deployment.waitingCount;
      this.set(waiting);
    },
  });
  new Gauge({
    name: 'slipway_gateway_held_body_bytes',
    help: 'Bytes of prediction request bodies held in memory.',
    registers,
    collect() {
      this.set(core.heldBytes);
    },
  });
  new Gauge({
    name: 'slipway_gateway_instances',
    help: 'Instances that the gateway is connected to, by whether they can answer now.',
    labelNames: ['ready'],
    registers,
    collect() {
      let ready = 0;
      let all = 0;
      for (const link of core.routing.allLinks) {
        all += 1;
        if (link.isLive) ready += 1;
      }
      this.set({ ready: 'yes' }, ready);
      this.set({ ready: 'no' }, all - ready);
    },
  });
  new Counter({
    name: 'slipway_gateway_copies_total',
    help: 'Copies of requests for candidates and shadows, by how they ended: answered, failed in an instance, or dropped for want of room or time.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(core.copies.counts)) this.inc({ result }, count);
    },
  });
  new Counter({
    name: 'slipway_gateway_retries_total',
    help: 'Prediction requests that were sent a second time because their instance ended or refused them.',
    registers,
    collect() {
      this.reset();
      this.inc(core.retries);
    },
  });
}
