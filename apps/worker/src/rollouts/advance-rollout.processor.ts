import { Injectable } from '@nestjs/common';
import { advanceRollout, DeploymentFactStore, RolloutStore } from '@slipway/deployments';
import { channels } from '@slipway/platform';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { Repeater } from '../supervising/repeater.js';

const sweepEveryMs = 1_000;

/**
 * Takes rollouts further and writes down what deployments are. A job does it for one rollout as soon as there is a wish; a sweep does it for
 * all, on every change of an instance and every second, so a lost job or a queue that is away costs a moment at most.
 */
@Injectable()
export class AdvanceRolloutProcessor {
  private readonly rollouts: RolloutStore;
  private readonly facts: DeploymentFactStore;
  private readonly sweeper: Repeater;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    this.rollouts = new RolloutStore(platform.db.prisma);
    this.facts = new DeploymentFactStore(platform.db.prisma);
    this.sweeper = new Repeater('advance rollouts', () => this.sweep(), platform.log);
  }

  start(): void {
    this.jobs.handle(advanceRollout, ({ rolloutId }) => this.advance(rolloutId));
    this.sweeper.start({ everyMs: sweepEveryMs, nudges: { from: this.platform.nudges, on: [channels.instances] } });
    this.platform.shutdown.add('rollout sweep', () => this.sweeper.close());
  }

  private async sweep(): Promise<void> {
    for (const rolloutId of await this.rollouts.listUnfinished()) await this.advance(rolloutId);
    await this.facts.settleAll();
  }

  private async advance(rolloutId: string): Promise<void> {
    const done = await this.rollouts.advance(rolloutId);
    if (done === 'complete' || done === 'abort') this.platform.log.info({ rollout: rolloutId, decision: done }, 'rollout advanced');
  }
}
