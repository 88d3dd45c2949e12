import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { ArtefactStore } from '@slipway/registry';
import { Platform } from '../platform.js';
import { ARTEFACTS } from './artefacts.js';

const everyMs = 60_000;
/** An upload in progress is written to all the time (30 s of silence end it), so an untouched file this old is nobody's. */
const staleMs = 10 * 60_000;

/** Clears away staged files that a killed process left: at start and every minute. */
@Injectable()
export class StagingSweep implements OnModuleInit {
  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly store: ArtefactStore,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.sweep();
    const timer = setInterval(() => void this.sweep(), everyMs);
    timer.unref();
    this.platform.shutdown.add('staging sweep', () => clearInterval(timer));
  }

  private async sweep(): Promise<void> {
    try {
      const removed = await this.store.removeStale(staleMs);
      if (removed > 0) this.platform.log.info({ removed }, 'left uploads cleared away');
    } catch (error) {
      this.platform.log.warn({ err: error }, 'staging not swept');
    }
  }
}
