import type { InstancePong } from '@slipway/inference';
import { Counter, Gauge, type Registry } from '@slipway/metrics';

type Told = Pick<InstancePong, 'recordsDropped' | 'recordsSampledOut' | 'spoolBytes'>;

export interface TellingInstance {
  readonly instanceId: string;
  readonly pid: number;
  readonly pong: Told | undefined;
}

/** Adds up what instances tell of their spools; each counts from its own start. */
export class SpoolCounts {
  private readonly sampledOut: Counter;
  private readonly lost: Counter;
  private readonly waiting: Gauge;
  private last = new Map<string, Told>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.sampledOut = new Counter({
      name: 'slipway_records_sampled_out_total',
      help: 'Predictions left out of the records, for which others stand with a known probability.',
      registers,
    });
    this.lost = new Counter({
      name: 'slipway_records_lost_total',
      help: 'Prediction records that found no room on disk.',
      registers,
    });
    this.waiting = new Gauge({ name: 'slipway_records_waiting_bytes', help: 'Prediction records on disk that are not stored yet.', registers });
  }

  observe(instances: readonly TellingInstance[]): void {
    const seen = new Map<string, Told>();
    let bytes = 0;
    for (const { instanceId, pid, pong } of instances) {
      if (pong === undefined) continue;
      const key = `${instanceId}/${pid}`;
      const before = this.last.get(key);
      this.sampledOut.inc(Math.max(0, (pong.recordsSampledOut ?? 0) - (before?.recordsSampledOut ?? 0)));
      this.lost.inc(Math.max(0, pong.recordsDropped - (before?.recordsDropped ?? 0)));
      bytes += pong.spoolBytes;
      seen.set(key, pong);
    }
    this.waiting.set(bytes);
    this.last = seen;
  }
}
