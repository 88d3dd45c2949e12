import { Injectable } from '@nestjs/common';
import type { RolloutCompanions } from '@slipway/deployments';

/** What the pilot gives to a rollout beside the rows: a judge and the hooks. */
@Injectable()
export class RolloutSteering {
  readonly companions: RolloutCompanions = {};

  /** A rollout has ended, by whoever's hand: what was begun for it ends too. */
  async ended(_rolloutId: string): Promise<void> {}
}
