import { ActiveReferenceStore, type Judge, JudgementStore, type JudgeStateStore, ProfileLearningStore, ProfileWindowStore } from '@slipway/metrics';
import type { DatabaseHandle } from '@slipway/platform';
import { DataQualityJudge } from './data-quality-judge.js';
import { DriftJudge } from './drift-judge.js';

/** The judges of what is counted of inputs and outputs. */
export function driftJudges({ pool, prisma }: Pick<DatabaseHandle, 'prisma' | 'pool'>, states: JudgeStateStore): Judge[] {
  const stores = {
    profiles: new ProfileWindowStore(pool),
    learning: new ProfileLearningStore(pool),
    references: new ActiveReferenceStore(prisma),
    states,
    judgements: new JudgementStore(pool),
  };
  return [new DriftJudge(stores), new DataQualityJudge(stores)];
}
