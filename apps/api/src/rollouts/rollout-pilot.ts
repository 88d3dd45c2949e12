import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type RolloutCompanions, RolloutStore } from '@slipway/deployments';
import { channels, isDatabaseUnavailable } from '@slipway/platform';
import { Platform } from '../platform.js';
import { RolloutSteering } from './rollout-steering.js';

/** While something walks; a nudge is heard at once. */
const walkingEveryMs = 500;
/** While nothing does: this is how long a lost nudge may go unnoticed. */
const idleEveryMs = 2_000;
/** A nudge leads to a look at a rollout at most this often; changes come in bursts. */
const restMs = 100;
/**
 * Rollouts that ended where this process did not see it (a worker was first, or it was not running) are looked for so often and so far back; the
 * end of one that could not be told is tried again as often.
 */
const endedEveryMs = 10_000;
const endedWithinMs = 600_000;
/** Rollouts that are advanced at the same time, out of the process's few connections to the database; the others have their turn. */
const atOnce = 4;

/**
 * Takes rollouts through their stages. It lives with the gateway, so that promotion and rollback go on with the queue and the worker stopped.
 * Each rollout is advanced by itself: one that waits for a slow hook delays nobody. Several API processes may do the same, whoever is first wins;
 * while the database is away it tries again.
 */
@Injectable()
export class RolloutPilot implements OnModuleInit, OnModuleDestroy {
  private readonly rollouts: RolloutStore;
  private readonly companions: RolloutCompanions;
  /** What is to be done next, by rollout; no more than are listed. */
  private readonly pending = new Map<string, () => Promise<void>>();
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly stops: (() => void)[] = [];
  private walking: readonly string[] = [];
  private looking: Promise<void> | undefined;
  private again = false;
  private isClosed = false;
  private isFailing = false;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private lookedForEndedAt = Number.NEGATIVE_INFINITY;
  /** Rollouts that have ended lately and whose end is told; no more than are listed. */
  private told = new Set<string>();

  constructor(
    private readonly platform: Platform,
    private readonly steering: RolloutSteering,
  ) {
    this.rollouts = new RolloutStore(platform.db.prisma);
    this.companions = steering.companions;
  }

  onModuleInit(): void {
    const { nudges } = this.platform;
    const timer = setInterval(() => this.tick(), walkingEveryMs);
    this.stops.push(
      () => clearInterval(timer),
      nudges.on(channels.routing, () => this.poke()),
      nudges.on(channels.instances, () => this.poke()),
    );
    this.poke();
  }

  /** Resolves when nothing is being advanced any more. */
  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    await this.looking;
    await Promise.all(this.underWay.values());
  }

  private tick(): void {
    const dueMs = this.walking.length === 0 && this.underWay.size === 0 ? idleEveryMs : walkingEveryMs;
    // Half an interval of tolerance: timers are not exact.
    if (performance.now() - this.lookedAt >= dueMs - walkingEveryMs / 2) this.poke();
  }

  private poke(): void {
    if (this.isClosed) return;
    this.again = true;
    this.looking ??= this.lookUntilCalm();
  }

  private async lookUntilCalm(): Promise<void> {
    while (this.again && !this.isClosed) {
      this.again = false;
      await this.look();
      // All nudges in this time lead to one more look.
      await sleep(restMs);
    }
    this.looking = undefined;
  }

  private async look(): Promise<void> {
    this.lookedAt = performance.now();
    try {
      const walking = await this.rollouts.listUnfinished();
      const untold = await this.listUntold();
      const ended = this.walking.filter((id) => !walking.includes(id));
      this.walking = walking;
      for (const id of walking) this.pending.set(id, () => this.advance(id));
      for (const id of [...ended, ...untold]) this.pending.set(id, () => this.end(id));
      this.beginNext();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.platform.log.warn({ err: error }, 'rollouts not read, they wait');
      this.isFailing = true;
    }
  }

  /** In the order in which they were asked for, none twice at a time. */
  private beginNext(): void {
    for (const [id, work] of this.pending) {
      if (this.isClosed || this.underWay.size >= atOnce) return;
      if (this.underWay.has(id)) continue;
      this.pending.delete(id);
      const run = work()
        .catch((error: unknown) => this.report(id, error))
        .finally(() => {
          this.underWay.delete(id);
          this.beginNext();
        });
      this.underWay.set(id, run);
    }
  }

  private async advance(id: string): Promise<void> {
    const done = await this.rollouts.advance(id, this.companions);
    await this.steering.lookedAt(id, done);
    if (done !== 'wait' && done !== 'lost' && done !== 'gone') this.platform.log.info({ rollout: id, decision: done }, 'rollout advanced');
  }

  /** Ended lately, and not told by this process; now and then, as nothing waits for it. */
  private async listUntold(): Promise<readonly string[]> {
    if (performance.now() - this.lookedForEndedAt < endedEveryMs) return [];
    const ended = await this.rollouts.listEnded(endedWithinMs);
    this.lookedForEndedAt = performance.now();
    this.told = new Set(ended.filter((id) => this.told.has(id)));
    return ended.filter((id) => !this.told.has(id));
  }

  /** Twice does no harm: what is told has a key. */
  private async end(id: string): Promise<void> {
    await this.steering.ended(id);
    this.told.add(id);
  }

  private report(id: string, error: unknown): void {
    if (isDatabaseUnavailable(error)) this.platform.log.debug({ err: error, rollout: id }, 'rollout waits for the database');
    else this.platform.log.warn({ err: error, rollout: id }, 'rollout not advanced');
  }
}
