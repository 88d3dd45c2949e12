import { Module, type OnModuleInit } from '@nestjs/common';
import {
  ActiveReferenceStore,
  AnomalyInputStore,
  AnomalyPointStore,
  FailuresJudge,
  type Judge,
  JudgementStore,
  JudgeStateStore,
  judgeDeployments,
  LabelsJudge,
  NoiseBaselineStore,
  NoiseHourStore,
  NoiseJudge,
  PredictionErrorJudge,
  QualityEstimates,
  QualityJudge,
  SloEventStore,
  SloStore,
} from '@slipway/metrics';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { AnomalyJudge } from './anomaly-judge.js';
import { driftJudges } from './drift-judges.js';
import { EstimatedQualityJudge } from './estimated-quality-judge.js';
import { JudgingRound } from './judging-round.js';
import { SloJudge } from './slo-judge.js';

const roundEveryMs = 10_000;

/** Judges every deployment, over and over: what has been seen of it becomes judgements that alerts, console and REST read. */
@Module({})
export class JudgingModule implements OnModuleInit {
  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    const { db, log } = this.platform;
    const round = new JudgingRound(db, this.judges(), log);
    // A round that takes longer than the time between two is not overtaken by the next.
    let running: Promise<void> | undefined;
    this.jobs.handle(judgeDeployments, () => {
      running ??= round.run().finally(() => {
        running = undefined;
      });
      return running;
    });
    this.jobs.every(judgeDeployments, roundEveryMs, {});
  }

  /** One line per kind. */
  private judges(): Judge[] {
    const { pool, prisma } = this.platform.db;
    const states = new JudgeStateStore(pool);
    const references = new ActiveReferenceStore(prisma);
    return [
      ...driftJudges(this.platform.db),
      new EstimatedQualityJudge(new QualityEstimates(this.platform.db), states, new JudgementStore(pool)),
      new AnomalyJudge({ states, inputs: new AnomalyInputStore(pool), points: new AnomalyPointStore(pool) }),
      new SloJudge(new SloStore(prisma), new SloEventStore(pool), new JudgementStore(pool)),
      new FailuresJudge(pool, states),
      new LabelsJudge(pool),
      new NoiseJudge({ hours: new NoiseHourStore(pool), states, baselines: new NoiseBaselineStore(prisma) }),
      new PredictionErrorJudge(pool, states, references),
      new QualityJudge(pool, states, references),
    ];
  }
}
