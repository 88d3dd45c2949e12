import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';

/** One guard, ready to be judged. */
export interface GuardTest {
  readonly guard: string;
  readonly mode: GuardJudgement['mode'];
  /** Whether it fails: the outcome `fail` of `judge`, without what it takes to describe it. */
  readonly fails: () => boolean;
  readonly judge: () => GuardJudgement;
}

/** The verdict that an outcome is, in the words of every other judgement. */
export function verdictOf(outcome: GuardOutcome): GuardJudgement['verdict'] {
  if (outcome === 'pass') return 'ok';
  return outcome === 'fail' ? 'alarm' : 'insufficient';
}

/** The smallest x in [low, high] for which `holds` is true, if it is false below and true above; `high` when it is true nowhere below. */
export function smallestWhere(low: number, high: number, steps: number, holds: (x: number) => boolean): number {
  let from = low;
  let to = high;
  for (let step = 0; step < steps; step += 1) {
    const middle = (from + to) / 2;
    if (holds(middle)) to = middle;
    else from = middle;
  }
  return to;
}

/** More answers than this are as good as never. Still a number: a guard without evidence must not be taken for one that cannot get any. */
const mostAnswers = 10_000_000;

/** How many more observations than the n ≥ 1 of now there must be until `decides` is true of their growth, to 2 % of their number. */
export function moreUntil(n: number, decides: (factor: number) => boolean): number {
  let factor = 1;
  while (!decides(factor)) {
    factor *= 2;
    if (n * factor > mostAnswers) return mostAnswers;
  }
  if (factor > 1) factor = smallestWhere(factor / 2, factor, 6, decides);
  return Math.max(1, Math.ceil(n * factor - n));
}

export function neededWords(needed: number): string {
  if (needed >= mostAnswers) return 'answers like these would not decide it in any number';
  return `about ${count(needed)} more answers of the candidate are needed`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** Differences of shares, in percentage points. */
export function points(difference: number): string {
  const value = Number((difference * 100).toPrecision(2));
  return `${value} ${Math.abs(value) === 1 ? 'point' : 'points'}`;
}

export function count(n: number): string {
  return Math.round(n)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}
