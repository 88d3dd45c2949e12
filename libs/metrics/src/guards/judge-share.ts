import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import { evidenceOfExcess, evidenceOfNoExcess, mostEvidenceOfExcess, type Sides } from './difference-evidence.js';
import { count, type GuardTest, moreUntil, neededWords, percent, points, smallestWhere, verdictOf } from './guard-test.js';
import { evidenceAbove, type Proportion } from './proportion-evidence.js';
import { evidenceForStage, evidenceSinceAnyStage } from './rollout-course.js';

/** The same kind of requests on both sides, stage by stage: live answers of both, or answers to the same requests. */
export interface Comparison {
  readonly stages: readonly Sides[];
  /** For example `live answers`. */
  readonly what: string;
}

export interface ShareGuard {
  readonly guard: string;
  readonly mode: GuardJudgement['mode'];
  /** Each is judged with its part of the levels. */
  readonly comparisons: readonly Comparison[];
  /** Increase above which the candidate fails. */
  readonly limit: number;
  /** Increase that the present stage must rule out. */
  readonly passLimit: number;
  /** With a larger increase in what was seen it does not pass, however little of it is certain. */
  readonly mostSeen: number;
  readonly alarmLevel: number;
  readonly passLevel: number;
  /** Stages of the plan. */
  readonly planned: number;
  /** Candidate's requests per one of stable, for what is still needed when there are none yet. */
  readonly expectedRatio: number;
  /** What happened to the answers that count, for example `failed`. */
  readonly did: string;
  readonly nextStep: string;
  /** Stable answers nothing in the present stage that the candidate could be compared by: there will be no more evidence. */
  readonly isAlone: boolean;
  /** Stable's share above which something must be wrong that hits both. */
  readonly commonAbove: number;
  /** Stable's live answers in the present stage. */
  readonly stableNow: Proportion | undefined;
}

/** Compares the share of bad answers of both sides. */
export function shareTest(guard: ShareGuard): GuardTest {
  return { guard: guard.guard, mode: guard.mode, fails: () => guard.comparisons.some((one) => fails(guard, one)), judge: () => judge(guard) };
}

function judge(guard: ShareGuard): GuardJudgement {
  const { comparison, outcome } = decide(guard);
  // What failed is told by the stages that speak against the candidate, not hidden among those that were fine.
  const total = totals(outcome === 'fail' ? worstStages(guard, comparison.stages) : comparison.stages);
  const interval = intervalOf(guard, comparison.stages, { value: total.difference, outcome });
  const needed = outcome === 'pass' || outcome === 'fail' ? 0 : requestsNeeded(guard, comparison.stages);
  return {
    guard: guard.guard,
    mode: guard.mode,
    outcome,
    verdict: verdictOf(outcome),
    unit: 'share',
    value: total.difference,
    interval,
    n: total.candidate.n,
    threshold: guard.limit,
    candidate: shown(total.candidate),
    stable: shown(total.stable),
    smallestVisible: smallestVisible(guard, comparison.stages),
    requestsNeeded: needed,
    reason: sentence(guard, { comparison, outcome, total, interval, needed }),
  };
}

/** The first comparison that fails, else the first that passes; a pass needs that no comparison points the other way. */
function decide(guard: ShareGuard): { comparison: Comparison; outcome: GuardOutcome } {
  const failing = guard.comparisons.find((one) => fails(guard, one));
  if (failing !== undefined) return { comparison: failing, outcome: 'fail' };
  if (isCommonFault(guard)) return { comparison: largest(guard.comparisons), outcome: 'common_fault' };
  const isContradicted = guard.comparisons.some((one) => (totals(one.stages).difference ?? 0) > guard.mostSeen);
  const passing = isContradicted ? undefined : guard.comparisons.find((one) => passes(guard, one.stages));
  if (passing !== undefined) return { comparison: passing, outcome: 'pass' };
  return { comparison: largest(guard.comparisons), outcome: 'not_enough_evidence' };
}

function largest(comparisons: readonly Comparison[]): Comparison {
  const [first = { stages: [], what: 'answers' }, ...others] = comparisons;
  return others.reduce((most, one) => (totals(one.stages).candidate.n > totals(most.stages).candidate.n ? one : most), first);
}

function fails(guard: ShareGuard, { stages }: Comparison): boolean {
  // Almost always the evidence cannot be enough, which is known for little.
  if (
    evidenceSinceAnyStage(
      stages.map((sides) => mostEvidenceOfExcess(sides, guard.limit)),
      guard.planned,
    ) < alarmBar(guard)
  )
    return false;
  const limit = isCommonFault(guard) ? commonLimit(guard) : guard.limit;
  return (
    evidenceSinceAnyStage(
      stages.map((sides) => evidenceOfExcess(sides, limit)),
      guard.planned,
    ) >= alarmBar(guard)
  );
}

function passes(guard: ShareGuard, stages: readonly Sides[]): boolean {
  const present = stages.at(-1);
  if (present === undefined || observedDifference(present) > guard.mostSeen) return false;
  return evidenceForStage(stages.map((sides) => evidenceOfNoExcess(sides, guard.passLimit))) >= passBar(guard);
}

const alarmBar = (guard: ShareGuard): number => Math.log(guard.comparisons.length / guard.alarmLevel);
const passBar = (guard: ShareGuard): number => Math.log(guard.comparisons.length / guard.passLevel);

/** Stable itself is far above what it usually does, in the present stage. */
function isCommonFault({ stableNow, commonAbove, alarmLevel }: ShareGuard): boolean {
  if (stableNow === undefined || stableNow.hits <= commonAbove * stableNow.n) return false;
  return evidenceAbove(stableNow, commonAbove) >= Math.log(1 / alarmLevel);
}

/** While something hits both, requests do not fail one by one: the candidate has to be worse by half of stable's share as well. */
function commonLimit({ limit, stableNow }: ShareGuard): number {
  return stableNow === undefined || stableNow.n === 0 ? limit : Math.min(1, limit + 0.5 * (stableNow.hits / stableNow.n));
}

interface Totals {
  readonly candidate: Proportion;
  readonly stable: Proportion;
  readonly difference: number | null;
}

/** The difference is the mean of those of the stages, by the candidate's requests: added counts would compare different times. */
function totals(stages: readonly Sides[]): Totals {
  const add = (side: 'candidate' | 'stable'): Proportion => ({
    n: stages.reduce((sum, one) => sum + one[side].n, 0),
    hits: stages.reduce((sum, one) => sum + one[side].hits, 0),
  });
  const compared = stages.filter(({ candidate, stable }) => candidate.n > 0 && stable.n > 0);
  const weight = compared.reduce((sum, { candidate }) => sum + candidate.n, 0);
  const difference = weight === 0 ? null : compared.reduce((sum, one) => sum + one.candidate.n * observedDifference(one), 0) / weight;
  return { candidate: add('candidate'), stable: add('stable'), difference };
}

function observedDifference({ candidate, stable }: Sides): number {
  return candidate.n === 0 || stable.n === 0 ? 0 : candidate.hits / candidate.n - stable.hits / stable.n;
}

const shown = ({ n, hits }: Proportion): { n: number; value: number | null } => ({ n, value: n === 0 ? null : hits / n });

/** From the stage on since which there is most evidence against the candidate. */
function worstStages(guard: ShareGuard, stages: readonly Sides[]): readonly Sides[] {
  let from = 0;
  let most = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let index = stages.length - 1; index >= 0; index -= 1) {
    const sides = stages[index];
    sum += sides === undefined ? 0 : evidenceOfExcess(sides, guard.limit);
    if (sum <= most) continue;
    most = sum;
    from = index;
  }
  return stages.slice(from);
}

/** All differences that neither test has ruled out: the lower end at the alarm level, the upper one at the level of a pass. */
function intervalOf(
  guard: ShareGuard,
  stages: readonly Sides[],
  { value, outcome }: { value: number | null; outcome: GuardOutcome },
): [number, number] | null {
  if (value === null) return null;
  const isLowPossible = (margin: number) =>
    evidenceSinceAnyStage(
      stages.map((one) => evidenceOfExcess(one, margin)),
      guard.planned,
    ) < alarmBar(guard);
  const isHighRuledOut = (margin: number) => evidenceForStage(stages.map((one) => evidenceOfNoExcess(one, margin))) >= passBar(guard);
  const low = smallestWhere(-1, value, intervalSteps, isLowPossible);
  const high = smallestWhere(value, 1, intervalSteps, isHighRuledOut);
  // The search ends 0.00006 beside the end; what is decided is known exactly.
  if (outcome === 'fail') return [Math.max(low, guard.limit), Math.max(high, guard.limit)];
  return [low, outcome === 'pass' ? Math.min(high, guard.passLimit) : high];
}
/** Halvings of a range of at most 2. */
const intervalSteps = 15;

/** The increase at which these counts would have failed, had the present stage shown it from its beginning. */
function smallestVisible(guard: ShareGuard, stages: readonly Sides[]): number | null {
  const present = stages.at(-1);
  if (present === undefined || present.candidate.n === 0 || present.stable.n === 0) return null;
  const share = present.stable.hits / present.stable.n;
  const before = stages.slice(0, -1).map((one) => evidenceOfExcess(one, guard.limit));
  const shows = (increase: number): boolean => {
    const candidate = { n: present.candidate.n, hits: Math.min(1, share + increase) * present.candidate.n };
    return evidenceSinceAnyStage([...before, evidenceOfExcess({ ...present, candidate }, guard.limit)], guard.planned) >= alarmBar(guard);
  };
  const largestIncrease = 1 - share;
  if (!shows(largestIncrease)) return null;
  return smallestWhere(guard.limit, largestIncrease, 10, shows);
}

/** Candidate's requests until a word, if the present stage goes on as it is; null where no number of them brings one. */
function requestsNeeded(guard: ShareGuard, stages: readonly Sides[]): number | null {
  if (guard.isAlone) return null;
  const present = typical(guard, stages.at(-1));
  const before = stages.slice(0, -1);
  const harmBefore = before.map((one) => evidenceOfExcess(one, guard.limit));
  const safeBefore = before.map((one) => evidenceOfNoExcess(one, guard.passLimit));
  const isHarm = observedDifference(present) > guard.limit;
  const seenN = stages.at(-1)?.candidate.n ?? 0;
  const more = moreUntil(present.candidate.n, (times) => {
    const grown = { ...present, candidate: grow(present.candidate, times), stable: grow(present.stable, times) };
    return isHarm
      ? evidenceSinceAnyStage([...harmBefore, evidenceOfExcess(grown, guard.limit)], guard.planned) >= alarmBar(guard)
      : evidenceForStage([...safeBefore, evidenceOfNoExcess(grown, guard.passLimit)]) >= passBar(guard);
  });
  return seenN === 0 ? more + 1 : more;
}

/** What has been seen; a side without requests is taken to be like the other. */
function typical(guard: ShareGuard, seen: Sides | undefined): Sides {
  const stable = seen?.stable ?? { n: 0, hits: 0 };
  const candidate = seen?.candidate ?? { n: 0, hits: 0 };
  const independent = seen?.independent ?? true;
  if (candidate.n > 0 && stable.n > 0) return { candidate, stable, independent };
  const share = stable.n > 0 ? stable.hits / stable.n : candidate.n > 0 ? candidate.hits / candidate.n : 0;
  const n = Math.max(1, candidate.n);
  const stableN = n / guard.expectedRatio;
  return { candidate: { n, hits: n * share }, stable: { n: stableN, hits: stableN * share }, independent };
}

const grow = ({ n, hits }: Proportion, times: number): Proportion => ({ n: n * times, hits: hits * times });

interface Said {
  readonly comparison: Comparison;
  readonly outcome: GuardOutcome;
  readonly total: Totals;
  readonly interval: [number, number] | null;
  readonly needed: number | null;
}

function sentence(guard: ShareGuard, { comparison, outcome, total, interval, needed }: Said): string {
  const { candidate, stable } = total;
  const counts = `${guard.did} ${ofAnswers(candidate)}, stable ${ofAnswers(stable)} (${comparison.what})`;
  switch (outcome) {
    case 'fail':
      return `The candidate ${counts}: at least ${points(interval?.[0] ?? guard.limit)} more, where ${points(guard.limit)} are allowed.`;
    case 'pass':
      return guard.passLimit > guard.limit
        ? `The candidate ${counts}: ${atMost(interval)}, few enough for ${guard.nextStep}.`
        : `The candidate ${counts}: ${atMost(interval)}, within the ${points(guard.limit)} allowed.`;
    case 'common_fault':
      return `Stable itself ${guard.did} ${ofAnswers(guard.stableNow ?? stable)} live answers, where at most ${percent(guard.commonAbove)} is usual: something hits both, so the candidate, with ${ofAnswers(candidate)}, is not blamed.`;
    case 'not_enough_evidence':
      if (candidate.n === 0 || stable.n === 0)
        return `Not enough evidence: ${candidate.n === 0 ? 'the candidate' : 'stable'} has given no answers to compare yet; ${whatIsNeeded(needed)}.`;
      return `Not enough evidence: the candidate ${counts}${spread(interval)}; ${whatIsNeeded(needed)}.`;
  }
}

function whatIsNeeded(needed: number | null): string {
  return needed === null ? 'stable answers no requests in this stage that it could be compared by' : neededWords(needed);
}

function ofAnswers({ n, hits }: Proportion): string {
  if (n === 0) return 'none of 0';
  return hits === 0 ? `none of ${count(n)}` : `${percent(hits / n)} of ${count(n)}`;
}

function atMost(interval: [number, number] | null): string {
  const high = interval?.[1] ?? 0;
  return high < 0 ? `at least ${points(-high)} fewer` : `at most ${points(high)} more`;
}

function spread(interval: [number, number] | null): string {
  return interval === null ? '' : `, so the increase may be anything from ${points(interval[0])} to ${points(interval[1])}`;
}
