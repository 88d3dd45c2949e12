import { type JudgementView, type SloSeries, type SloStatus, type Task } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { JudgementStore } from '../judgements/judgement.store.js';
import { iso, type SeriesFrame } from '../series/series-frame.js';
import type { Queryable } from '../windows/partitions.store.js';
import { budgetFrame, budgetPoints } from './budget-series.js';
import { judgeSlo } from './judge-slo.js';
import { SloStore, type StoredObjective } from './slo.store.js';
import { SloEventStore } from './slo-events.store.js';

const dayMs = 86_400_000;

/** How the objectives of a deployment stand, now and over time. */
export class SloStatusStore {
  private readonly slos: SloStore;
  private readonly events: SloEventStore;
  private readonly judgements: JudgementStore;

  constructor({ prisma, pool }: { readonly prisma: Database; readonly pool: Queryable }) {
    this.slos = new SloStore(prisma);
    this.events = new SloEventStore(pool);
    this.judgements = new JudgementStore(pool);
  }

  async series(query: {
    deployment: { readonly id: string; readonly name: string; readonly task: Task | undefined };
    frame: SeriesFrame;
    nowMs: number;
  }): Promise<SloSeries> {
    const { deployment, nowMs } = query;
    const frame = budgetFrame(query.frame);
    const [found, judged] = await Promise.all([this.slos.of(deployment.id), this.judgements.current(deployment.id, ['slo'])]);
    const objectives: SloStatus[] = [];
    for (const { objective, view } of found) {
      const judgement = judged.find(({ subject }) => subject === objective.name) ?? null;
      objectives.push({ ...view(deployment.name), ...(await this.status({ deployment, objective, frame, nowMs, judgement })) });
    }
    return { from: iso(frame.fromMs), to: iso(frame.toMs), stepSeconds: frame.stepSeconds, objectives };
  }

  private async status(asked: {
    deployment: { readonly id: string; readonly task: Task | undefined };
    objective: StoredObjective;
    frame: SeriesFrame;
    nowMs: number;
    judgement: JudgementView | null;
  }): Promise<Omit<SloStatus, keyof ReturnType<Awaited<ReturnType<SloStore['of']>>[number]['view']>>> {
    const { objective, frame, nowMs, judgement } = asked;
    const owner = { deploymentId: asked.deployment.id, task: asked.deployment.task };
    const counts = await this.events.counts(owner, objective, nowMs);
    const slo = judgeSlo(objective, counts, 'requests');
    const span = { fromMs: frame.fromMs - objective.periodDays * dayMs, toMs: frame.toMs };
    const { bad, valid } = counts(objective.periodDays * 86_400);
    return {
      status: objective.enabled ? slo.status : 'disabled',
      bad,
      valid,
      errorRatio: slo.errorRatio,
      budgetRemaining: slo.budgetRemaining,
      exhaustedAt: slo.exhaustedInSeconds === null ? null : iso(Math.min(nowMs + slo.exhaustedInSeconds * 1000, nowMs + 3_650 * dayMs)),
      burn: [...slo.burn],
      points: budgetPoints(objective, frame, await this.events.perHour(owner, objective.goal, span), nowMs),
      judgement,
    };
  }
}
