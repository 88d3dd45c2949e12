import { Injectable } from '@nestjs/common';
import { InstancePlanStore, InstanceStore } from '@slipway/deployments';
import { channels } from '@slipway/platform';
import { Platform } from '../platform.js';
import { Repeater } from '../supervising/repeater.js';

const planEveryMs = 2_000;
const purgeEveryMs = 600_000;

/**
 * Plans which instances run where, on every nudge and every two seconds, on its own and not by a job: placement goes on when the queue is
 * away. Any number of workers may do so; one plans at a time.
 */
@Injectable()
export class PlanInstancesProcessor {
  private readonly plans: InstancePlanStore;
  private readonly instances: InstanceStore;
  private readonly planner: Repeater;
  private readonly purger: Repeater;

  constructor(private readonly platform: Platform) {
    const { db, log } = platform;
    this.plans = new InstancePlanStore(db.prisma);
    this.instances = new InstanceStore(db.prisma);
    this.planner = new Repeater('plan instances', () => this.plan(), log);
    this.purger = new Repeater('purge instances', () => this.instances.purgeEnded(), log);
  }

  start(): void {
    this.planner.start({ everyMs: planEveryMs, nudges: { from: this.platform.nudges, on: [channels.instances] } });
    this.purger.start({ everyMs: purgeEveryMs });
    this.platform.shutdown.add('planner', () => Promise.all([this.planner.close(), this.purger.close()]));
  }

  private async plan(): Promise<void> {
    const result = await this.plans.planOnce();
    if (result.kind === 'skipped' || result.started + result.stopped === 0) return;
    this.platform.log.info({ started: result.started, stopped: result.stopped, unplaced: result.unplaced }, 'instances planned');
  }
}
