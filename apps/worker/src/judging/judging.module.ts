import { Module, type OnModuleInit } from '@nestjs/common';
import {
  ActiveReferenceStore,
  AnomalyInputStore,
  AnomalyPointStore,
  FailuresJudge,
  HeldJudgeStates,
  type Judge,
  JudgementStore,
  type JudgeStateStore,
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
    // What may wake somebody at once does not wait for those that read much.
    const rounds = [(states: HeldJudgeStates) => this.urgentJudges(states), (states: HeldJudgeStates) => this.judges(states)].map((judgesWith) => {
      const states = new HeldJudgeStates(db.pool);
      return new JudgingRound({ db, log, states, judges: judgesWith(states) });
    });
    this.jobs.handle(judgeDeployments, () => Promise.all(rounds.map((round) => round.run())));
    this.jobs.every(judgeDeployments, roundEveryMs, {});
  }

  private urgentJudges(states: JudgeStateStore): Judge[] {
    const { pool, prisma } = this.platform.db;
    return [new SloJudge(new SloStore(prisma), new SloEventStore(pool), new JudgementStore(pool)), new FailuresJudge(pool, states)];
  }

  /** One line per kind. */
  private judges(states: JudgeStateStore): Judge[] {
    const { pool, prisma } = this.platform.db;
    const references = new ActiveReferenceStore(prisma);
    return [
      ...driftJudges(this.platform.db, states),
      new EstimatedQualityJudge(new QualityEstimates(this.platform.db), states, new JudgementStore(pool)),
      new AnomalyJudge({ states, inputs: new AnomalyInputStore(pool), points: new AnomalyPointStore(pool) }),
      new LabelsJudge(pool),
      new NoiseJudge({ hours: new NoiseHourStore(pool), states, baselines: new NoiseBaselineStore(prisma) }),
      new PredictionErrorJudge(pool, states, references),
      new QualityJudge(pool, states, references),
    ];
  }
}
