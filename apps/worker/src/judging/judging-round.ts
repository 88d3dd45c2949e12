import { type HeldJudgeStates, type Judge, JudgementStore, type WatchedDeployment } from '@slipway/metrics';
import type { DatabaseHandle, Logger } from '@slipway/platform';
import { DueDeploymentStore } from './due-deployments.js';

export interface JudgingParts {
  readonly db: Pick<DatabaseHandle, 'prisma' | 'pool'>;
  readonly judges: readonly Judge[];
  /** What these judges remember, and nobody else writes to. */
  readonly states: HeldJudgeStates;
  readonly log: Logger;
  readonly now?: () => number;
}

/**
 * One look at every deployment by every judge that is due. One that fails keeps neither the others nor the other deployments from theirs; it is
 * told once and then again when it has recovered. What a judge says is kept first and then how far it has come, so that nothing is believed
 * to be told that was not: who is cut off in between judges the same windows again, which gives the same judgements.
 */
export class JudgingRound {
  private readonly judgements: JudgementStore;
  private readonly deployments: DueDeploymentStore;
  private readonly now: () => number;
  private readonly judgedAt = new Map<string, number>();
  private readonly failing = new Set<string>();
  private isRunning = false;

  constructor(private readonly parts: JudgingParts) {
    this.judgements = new JudgementStore(parts.db.pool);
    this.deployments = new DueDeploymentStore(parts.db, parts.log);
    this.now = parts.now ?? Date.now;
  }

  /** A round that takes longer than the time between two is not overtaken by the next. */
  async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      const { due, living } = await this.deployments.at(this.now());
      this.forget(living);
      for (const deployment of due) for (const judge of this.parts.judges) await this.judge(judge, deployment);
    } finally {
      this.isRunning = false;
    }
  }

  private async judge(judge: Judge, deployment: WatchedDeployment): Promise<void> {
    const { states, log } = this.parts;
    const { deploymentId } = deployment;
    const key = `${deploymentId}/${judge.kind}`;
    const nowMs = this.now();
    if (nowMs - (this.judgedAt.get(key) ?? Number.NEGATIVE_INFINITY) < judge.everyMs) return;
    this.judgedAt.set(key, nowMs);
    try {
      await this.judgements.write(deployment, await judge.judge(deployment, nowMs));
      await states.keep(deploymentId);
      if (this.failing.delete(key)) log.info({ deployment: deployment.deployment, kind: judge.kind }, 'judged again');
    } catch (error) {
      states.drop(deploymentId);
      judge.forget?.(deployment);
      if (!this.failing.has(key)) log.error({ err: error, deployment: deployment.deployment, kind: judge.kind }, 'could not be judged');
      this.failing.add(key);
    }
  }

  private forget(living: ReadonlySet<string>): void {
    for (const key of this.judgedAt.keys()) {
      if (living.has(key.split('/', 1)[0] ?? '')) continue;
      this.judgedAt.delete(key);
      this.failing.delete(key);
    }
  }
}
