import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { exposeSlos, type Registry, type ToldSlo, ToldSloStore } from '@slipway/metrics';
import { Platform, REGISTRY } from '../platform.js';

/** A scrape asks several times; the database is asked once in this time. */
const rememberedMs = 1_000;

/** Tells monitoring how objectives stand, as last judged. While the database is away the last numbers stay. */
@Injectable()
export class SloMetrics implements OnModuleInit {
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<readonly ToldSlo[]> = Promise.resolve([]);
  private readonly told: ToldSloStore;

  constructor(
    private readonly platform: Platform,
    @Inject(REGISTRY) private readonly registry: Registry,
  ) {
    this.told = new ToldSloStore(platform.db.pool);
  }

  onModuleInit(): void {
    exposeSlos(this.registry, () => this.read());
  }

  private read(): Promise<readonly ToldSlo[]> {
    const now = performance.now();
    if (now - this.readAt < rememberedMs) return this.reading;
    this.readAt = now;
    const before = this.reading;
    this.reading = this.told.all().catch((error: unknown) => {
      this.platform.log.warn({ err: error }, 'objectives not read for metrics');
      return before;
    });
    return this.reading;
  }
}
