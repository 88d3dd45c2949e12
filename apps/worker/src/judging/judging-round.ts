import { type WatchedRows, watchedDeployments } from '@slipway/deployments';
import { type Judge, JudgementStore, type WatchedDeployment, WatchSettingsStore } from '@slipway/metrics';
import type { DatabaseHandle, Logger } from '@slipway/platform';

/**
 * One look at every deployment by every judge that is due. One that fails keeps neither the others nor the other deployments from theirs; it is
 * told once and then again when it has recovered.
 */
export class JudgingRound {
  private readonly judgements: JudgementStore;
  private readonly settings: WatchSettingsStore;
  private readonly judgedAt = new Map<string, number>();
  private readonly failing = new Set<string>();

  constructor(
    private readonly db: DatabaseHandle,
    private readonly judges: readonly Judge[],
    private readonly log: Logger,
    private readonly now: () => number = Date.now,
  ) {
    this.judgements = new JudgementStore(db.pool);
    this.settings = new WatchSettingsStore(db.prisma);
  }

  async run(): Promise<void> {
    const rows = await watchedDeployments(this.db.prisma);
    const settings = await this.settings.ofAll(rows.map(({ deploymentId }) => deploymentId));
    this.forget(rows);
    for (const row of rows) {
      const own = settings.get(row.deploymentId);
      if (own === undefined) continue;
      for (const judge of this.judges) await this.judge(judge, { ...row, settings: own });
    }
  }

  private async judge(judge: Judge, deployment: WatchedDeployment): Promise<void> {
    const key = `${deployment.deploymentId}/${judge.kind}`;
    const nowMs = this.now();
    if (nowMs - (this.judgedAt.get(key) ?? Number.NEGATIVE_INFINITY) < judge.everyMs) return;
    this.judgedAt.set(key, nowMs);
    try {
      await this.judgements.write(deployment, await judge.judge(deployment, nowMs));
      if (this.failing.delete(key)) this.log.info({ deployment: deployment.deployment, kind: judge.kind }, 'judged again');
    } catch (error) {
      if (!this.failing.has(key)) this.log.error({ err: error, deployment: deployment.deployment, kind: judge.kind }, 'could not be judged');
      this.failing.add(key);
    }
  }

  private forget(rows: readonly WatchedRows[]): void {
    const living = new Set(rows.map(({ deploymentId }) => deploymentId));
    for (const key of this.judgedAt.keys()) {
      if (living.has(key.split('/', 1)[0] ?? '')) continue;
      this.judgedAt.delete(key);
      this.failing.delete(key);
    }
  }
}
