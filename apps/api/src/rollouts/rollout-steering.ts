import { Injectable } from '@nestjs/common';
import type { RolloutCompanions, RolloutStore } from '@slipway/deployments';
import { Platform } from '../platform.js';
import { openHooks } from './hooks/open-hooks.js';
import type { RolloutHooks } from './hooks/rollout-hooks.js';
import { RolloutEvidence } from './rollout-evidence.js';

/** What people write into the walk of a rollout is told to its hooks within this time; what the pilot writes, at once. */
const tellEveryMs = 2_000;

/** What the pilot gives to a rollout beside the rows: a judge and the hooks. */
@Injectable()
export class RolloutSteering {
  readonly companions: RolloutCompanions;
  private readonly hooks: RolloutHooks;
  private readonly toldAt = new Map<string, number>();

  constructor(
    platform: Platform,
    private readonly evidence: RolloutEvidence,
  ) {
    this.hooks = openHooks(platform);
    this.companions = { judge: (rollout) => evidence.judge(rollout), ask: this.hooks.ask };
  }

  /** A rollout has been advanced, or only looked at: tells its hooks what is new. */
  async lookedAt(rolloutId: string, done: Awaited<ReturnType<RolloutStore['advance']>>): Promise<void> {
    const nowMs = performance.now();
    if (done === 'wait' && nowMs - (this.toldAt.get(rolloutId) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return;
    this.toldAt.set(rolloutId, nowMs);
    await this.hooks.tell(rolloutId);
  }

  /** A rollout has ended, by whoever's hand: what was begun for it ends too. */
  async ended(rolloutId: string): Promise<void> {
    this.toldAt.delete(rolloutId);
    await this.hooks.tell(rolloutId);
    await this.evidence.ended(rolloutId);
  }
}
