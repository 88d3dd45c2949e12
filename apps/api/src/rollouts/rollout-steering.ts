import { Injectable } from '@nestjs/common';
import type { RolloutCompanions } from '@slipway/deployments';
import { RolloutEvidence } from './rollout-evidence.js';

/** What the pilot gives to a rollout beside the rows: a judge and the hooks. */
@Injectable()
export class RolloutSteering {
  readonly companions: RolloutCompanions;

  constructor(private readonly evidence: RolloutEvidence) {
    this.companions = { judge: (rollout) => evidence.judge(rollout) };
  }

  /** A rollout has ended, by whoever's hand: what was begun for it ends too. */
  async ended(rolloutId: string): Promise<void> {
    await this.evidence.ended(rolloutId);
  }
}
