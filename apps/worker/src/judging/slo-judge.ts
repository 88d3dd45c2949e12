import {
  type Judge,
  type JudgedSlo,
  type JudgedWindow,
  type JudgementStore,
  judgeSlo,
  type SloEventStore,
  type SloStore,
  type StoredObjective,
  type WatchedDeployment,
} from '@slipway/metrics';

/** Objectives are read for all deployments at once, this often. */
const rereadMs = 10_000;

/** Judges the objectives of a deployment by how fast each spends its error budget. */
export class SloJudge implements Judge {
  readonly kind = 'slo';
  readonly everyMs = 15_000;
  private objectives: Promise<ReadonlyMap<string, readonly StoredObjective[]>> = Promise.resolve(new Map());
  private readAtMs = Number.NEGATIVE_INFINITY;
  /** Names of the objectives that were judged last, by deployment. */
  private readonly judgedNames = new Map<string, string>();

  constructor(
    private readonly slos: Pick<SloStore, 'all'>,
    private readonly events: SloEventStore,
    private readonly judgements: Pick<JudgementStore, 'forgetOtherSubjects'>,
  ) {}

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const own = ((await this.all(nowMs)).get(deployment.deploymentId) ?? []).filter(({ enabled }) => enabled);
    await this.forgetOthers(deployment.deploymentId, own);
    const owner = { deploymentId: deployment.deploymentId, task: deployment.versions[0]?.task };
    const judged: JudgedWindow[] = [];
    for (const objective of own) {
      const unit = objective.goal.kind === 'quality' ? 'hours with labels' : 'requests';
      const slo = judgeSlo(objective, await this.events.counts(owner, objective, nowMs), unit);
      judged.push(windowOf(objective, slo, nowMs));
    }
    return judged;
  }

  /** What was judged of an objective that is deleted or switched off is not the newest word on anything. */
  private async forgetOthers(deploymentId: string, own: readonly StoredObjective[]): Promise<void> {
    const names = own.map(({ name }) => name);
    if (this.judgedNames.get(deploymentId) === names.join('\n')) return;
    await this.judgements.forgetOtherSubjects(deploymentId, this.kind, names);
    this.judgedNames.set(deploymentId, names.join('\n'));
  }

  private async all(nowMs: number): Promise<ReadonlyMap<string, readonly StoredObjective[]>> {
    if (nowMs - this.readAtMs >= rereadMs) {
      this.readAtMs = nowMs;
      this.objectives = this.slos.all();
      this.objectives.catch(() => {
        this.readAtMs = Number.NEGATIVE_INFINITY;
      });
    }
    return this.objectives;
  }
}

function windowOf(objective: StoredObjective, slo: JudgedSlo, nowMs: number): JudgedWindow {
  const toMs = Math.floor(nowMs / 60_000) * 60_000;
  return {
    kind: 'slo',
    subject: objective.name,
    version: 0,
    slice: '',
    fromMs: toMs - objective.periodDays * 86_400_000,
    toMs,
    ...slo.judgement,
    evidence: {
      status: slo.status,
      severity: slo.status === 'page' || slo.status === 'ticket' ? slo.status : null,
      goal: objective.goal,
      target: objective.target,
      periodDays: objective.periodDays,
      errorRatio: slo.errorRatio,
      budgetRemaining: slo.budgetRemaining,
      exhaustedInSeconds: slo.exhaustedInSeconds,
      windows: slo.burn,
    },
  };
}
