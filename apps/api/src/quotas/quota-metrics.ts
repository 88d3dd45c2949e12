import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { Registry } from '@slipway/metrics';
import { Gateway } from '../gateway/gateway.js';
import { Platform, REGISTRY } from '../platform.js';
import { exposeQuotas } from './quota-instruments.js';
import { QuotaViews, type ScopedQuota } from './quota-views.js';

/** A scrape asks several times; the database is asked once in this time. */
const rememberedMs = 1_000;

/** Tells monitoring of quotas. While the database is away the last numbers stay. */
@Injectable()
export class QuotaMetrics implements OnModuleInit {
  private readonly views: QuotaViews;
  private readAt = Number.NEGATIVE_INFINITY;
  private reading: Promise<readonly ScopedQuota[]> = Promise.resolve([]);

  constructor(
    private readonly platform: Platform,
    gateway: Gateway,
    @Inject(REGISTRY) private readonly registry: Registry,
  ) {
    this.views = new QuotaViews(platform.db.prisma, gateway.quotas);
  }

  onModuleInit(): void {
    exposeQuotas(this.registry, () => this.read());
  }

  private read(): Promise<readonly ScopedQuota[]> {
    const now = performance.now();
    if (now - this.readAt < rememberedMs) return this.reading;
    this.readAt = now;
    const before = this.reading;
    this.reading = this.readAll().catch((error: unknown) => {
      this.platform.log.warn({ err: error }, 'quotas not read for metrics');
      return before;
    });
    return this.reading;
  }

  private async readAll(): Promise<readonly ScopedQuota[]> {
    const all: ScopedQuota[] = [];
    for (const projectId of await this.views.projects()) all.push(...(await this.views.all(projectId)));
    return all;
  }
}
