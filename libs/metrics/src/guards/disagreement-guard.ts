import type { PairEvidence } from '@slipway/contracts';
import { alarmLevel, passLevel } from './alarm-budget.js';
import type { GuardInput } from './guard-input.js';
import { type GuardTest, percent } from './guard-test.js';
import { limitTest } from './judge-limit.js';
import { meanLimitTest } from './judge-mean.js';
import type { Proportion } from './proportion-evidence.js';
import type { RolloutCourse } from './rollout-course.js';
import { hasPairs } from './share-guards.js';

/** Share of changed labels that is usual for a new training, and for the same training in another form. */
export const flipShareDefaults = { newTraining: 0.5, derived: 0.01 } as const;

/** Classes that evidence tells apart, and one for the rest. */
const classesTold = 65;

/** What both answered to the same requests: one guard for changed labels, and one for each limit that the plan sets. */
export function disagreementTests(input: GuardInput, course: RolloutCourse): GuardTest[] {
  const { mode, ...limits } = input.plan.guards.disagreement;
  if (mode === 'off' || !hasPairs(input, course) || input.task === undefined || input.task.kind === 'other') return [];
  const isClassifier = input.task.kind !== 'regression';
  const parts = [isClassifier, limits.maxScoreDistance !== undefined, isTopK(input), isClassifier && limits.maxFlipSharePerClass !== undefined];
  const pairs = course.stages.map((stage) => stage.pairs);
  const base = {
    mode,
    alarmLevel: alarmLevel(input.plan) / Math.max(1, parts.filter(Boolean).length),
    passLevel: passLevel(input.plan),
    hopeless: incomparableWords(pairs),
  };
  return [
    ...(isClassifier ? [flipTest(input, base, pairs), ...classTests(input, base, pairs)] : []),
    ...distanceTests(input, base, { pairs, course }),
    ...topKTests(input, base, pairs),
  ];
}

interface Base {
  readonly mode: GuardTest['mode'];
  readonly alarmLevel: number;
  readonly passLevel: number;
  readonly hopeless: string | undefined;
}

/** So many answers that could not be compared, and none that could: the next will be no different. */
const manyIncomparable = 20;

function incomparableWords(pairs: readonly PairEvidence[]): string | undefined {
  const incomparable = sum(pairs, (one) => one.incomparable);
  if (incomparable < manyIncomparable || sum(pairs, ({ rows }) => rows) > 0) return undefined;
  return `none of ${incomparable} pairs of answers could be compared, because of other outputs or too many rows`;
}

function flipTest({ plan, isNewTraining }: GuardInput, base: Base, pairs: readonly PairEvidence[]): GuardTest {
  const limit = plan.guards.disagreement.maxFlipShare ?? (isNewTraining ? flipShareDefaults.newTraining : flipShareDefaults.derived);
  return limitTest({
    ...base,
    guard: 'disagreement',
    unit: 'share',
    limit,
    seen: perRequest(pairs, (one) => ({ n: one.rows, hits: one.flips })),
    tell: (share) => `the candidate predicts another label than stable on ${percent(share)} of the rows of`,
    tellLimit: percent(limit),
  });
}

function classTests({ plan, task }: GuardInput, base: Base, pairs: readonly PairEvidence[]): GuardTest[] {
  const limit = plan.guards.disagreement.maxFlipSharePerClass;
  if (limit === undefined) return [];
  const names = [...new Set(pairs.flatMap((one) => Object.keys(one.byClass)))].sort();
  const alarm = base.alarmLevel / Math.min(classesTold, (task?.classes?.length ?? classesTold - 1) + 1);
  return names.map((name) =>
    limitTest({
      ...base,
      alarmLevel: alarm,
      guard: `disagreement:class=${name}`,
      unit: 'share',
      limit,
      seen: perRequest(pairs, (one) => ({ n: one.byClass[name]?.rows ?? 0, hits: one.byClass[name]?.flips ?? 0 })),
      tell: (share) => `where stable predicts "${name}", the candidate predicts something else on ${percent(share)} of the rows of`,
      tellLimit: percent(limit),
    }),
  );
}

function isTopK({ plan, task }: GuardInput): boolean {
  return plan.guards.disagreement.minTopKOverlap !== undefined && task?.kind === 'multiclass';
}

function topKTests(input: GuardInput, base: Base, pairs: readonly PairEvidence[]): GuardTest[] {
  const { minTopKOverlap, topK } = input.plan.guards.disagreement;
  if (minTopKOverlap === undefined || !isTopK(input)) return [];
  return [
    limitTest({
      ...base,
      guard: 'top-k',
      unit: 'share',
      limit: 1 - minTopKOverlap,
      seen: perRequest(pairs, ({ topK: { n, sum } }) => ({ n, hits: Math.max(0, n - sum) })),
      tell: (missing) => `of the ${topK} best classes of stable the candidate lacks ${percent(missing)} on`,
      tellLimit: percent(1 - minTopKOverlap),
    }),
  ];
}

function distanceTests(
  { plan, task }: GuardInput,
  base: Base,
  { pairs, course }: { pairs: readonly PairEvidence[]; course: RolloutCourse },
): GuardTest[] {
  const limit = plan.guards.disagreement.maxScoreDistance;
  if (limit === undefined) return [];
  if (task?.kind === 'regression') return [regressionDistanceTest(base, limit, { pairs, course })];
  return [
    limitTest({
      ...base,
      guard: 'score-distance',
      unit: 'distance',
      limit: Math.min(1, limit),
      seen: perRequest(pairs, ({ distance: { n, sum } }) => ({ n, hits: Math.min(n, sum) })),
      tell: (distance) => `the scores are ${Number(distance.toPrecision(3))} apart on average on`,
      tellLimit: `${limit}`,
    }),
  ];
}

/** In standard deviations of stable's predictions. */
function regressionDistanceTest(base: Base, limit: number, { pairs, course }: { pairs: readonly PairEvidence[]; course: RolloutCourse }): GuardTest {
  const spread = standardDeviation(course);
  const rowsPerRequest = Math.max(
    1,
    sum(pairs, ({ rows }) => rows) /
      Math.max(
        1,
        sum(pairs, ({ requests }) => requests),
      ),
  );
  const n = sum(pairs, ({ distance }) => distance.n);
  const mean = n === 0 || spread === null ? null : sum(pairs, ({ distance }) => distance.sum) / n / spread;
  const meanOfSquares = n === 0 || spread === null ? 0 : sum(pairs, ({ distance }) => distance.sumOfSquares) / n / spread ** 2;
  return meanLimitTest({
    ...base,
    guard: 'score-distance',
    unit: 'distance',
    limit,
    estimate: mean === null ? null : { value: mean, variance: Math.max(0, meanOfSquares - mean * mean) / (n / rowsPerRequest) },
    n: n / rowsPerRequest,
    minN: 100,
    tightAt: Math.max(limit, 0.001),
    candidate: { n: n / rowsPerRequest, value: mean },
    stable: { n: n / rowsPerRequest, value: null },
    tell: (value) => `the predictions are ${Number(value.toPrecision(3))} standard deviations apart on average`,
    tellLimit: `${limit}`,
  });
}

function standardDeviation({ stages }: RolloutCourse): number | null {
  const values = stages.map(({ stable }) => stable.values);
  const n = sum(values, (one) => one.n);
  if (n < 2) return null;
  const mean = sum(values, (one) => one.sum) / n;
  const variance = (sum(values, (one) => one.sumOfSquares) - n * mean * mean) / (n - 1);
  return variance > 0 ? Math.sqrt(variance) : null;
}

/** Rows of one request may be alike, so a request counts as one observation: the mean of its rows. */
function perRequest(pairs: readonly PairEvidence[], count: (pairs: PairEvidence) => Proportion): Proportion {
  let n = 0;
  let hits = 0;
  for (const one of pairs) {
    const rows = count(one);
    const rowsPerRequest = Math.max(1, one.rows / Math.max(1, one.requests - one.incomparable));
    n += rows.n / rowsPerRequest;
    hits += rows.hits / rowsPerRequest;
  }
  return { n, hits };
}

function sum<T>(all: readonly T[], pick: (one: T) => number): number {
  return all.reduce((total, one) => total + pick(one), 0);
}
