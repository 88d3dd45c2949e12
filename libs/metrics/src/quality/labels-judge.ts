import type { Judge, WatchedDeployment } from '../judgements/judge.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import { ToldJudgements } from '../judgements/told-judgements.js';
import type { Queryable } from '../windows/partitions.store.js';
import { learnArrivals } from './arrival-curve.js';
import { type ArrivalTime, judgeArrival, judgeCoverage } from './judge-labels.js';
import { QualityWindowStore } from './quality-window.store.js';

const stepMs = 300_000;
const dayMs = 86_400_000;
/** Pauses are looked for so far back. */
const learnedDays = 30;

/** Judges how labels come in: whether they have stopped, and whether far fewer predictions get one than usual. */
export class LabelsJudge implements Judge {
  readonly kind = 'labels';
  readonly everyMs = 60_000;
  private readonly windows: QualityWindowStore;
  private readonly told = new ToldJudgements();

  constructor(private readonly db: Queryable) {
    this.windows = new QualityWindowStore(db);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<JudgedWindow[]> {
    const { deploymentId } = deployment;
    const { rows: times } = await this.db.query<ArrivalTime>(
      `select (extract(epoch from start_at) * 1000)::float8 as "startMs", labels from telemetry.label_arrivals
       where deployment_id = $1 and start_at > to_timestamp($2 / 1000.0) order by start_at limit 20000`,
      [deploymentId, nowMs - learnedDays * dayMs],
    );
    // Where labels never came, nobody waits for them.
    const [first] = times;
    if (first === undefined) return [];
    const windows = await this.windows.arrivals(deploymentId, nowMs);
    const curve = learnArrivals(windows, nowMs);
    const toMs = Math.floor(nowMs / stepMs) * stepMs;
    const about = { kind: 'labels' as const, version: 0, slice: '', toMs, evidence: { usualCoverage: curve.usualCoverage ?? null } };
    const judged: JudgedWindow[] = [
      { ...about, subject: 'arrival', fromMs: times.at(-1)?.startMs ?? first.startMs, ...judgeArrival({ times, windows, curve }, nowMs) },
      { ...about, subject: 'coverage', fromMs: toMs - dayMs, ...judgeCoverage(windows, curve, nowMs) },
    ];
    return this.told.news(
      deployment,
      judged.filter((one) => one.fromMs < one.toMs),
      nowMs,
    );
  }

  forget(deployment: WatchedDeployment): void {
    this.told.forget(deployment);
  }
}
