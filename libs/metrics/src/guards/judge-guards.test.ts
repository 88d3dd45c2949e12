import { type GuardJudgement, RolloutPlan } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import type { GuardInput } from './guard-input.js';
import { failedGuards, judgeGuards } from './judge-guards.js';
import { Random } from './testing/random.js';
import { canaryPlan, pairs, type SeenStage, seen, stage } from './testing/seen.js';

function judged(input: GuardInput, guard: string): GuardJudgement {
  const judgement = judgeGuards(input).find((one) => one.guard === guard);
  if (judgement === undefined) throw new Error(`no judgement of ${guard}`);
  return judgement;
}

const guardsWith = (guards: Record<string, unknown>) => RolloutPlan.parse({ ...canaryPlan, guards });
const derived = { isNewTraining: false };

describe('one guard', () => {
  const cases: { name: string; guard: string; outcome: string; input: GuardInput }[] = [
    { name: 'nothing seen', guard: 'error-share', outcome: 'not_enough_evidence', input: seen({}) },
    { name: 'three clean answers', guard: 'error-share', outcome: 'not_enough_evidence', input: seen({ stable: { n: 300 }, candidate: { n: 3 } }) },
    { name: 'no errors on either side', guard: 'error-share', outcome: 'pass', input: seen({ stable: { n: 20_000 }, candidate: { n: 200 } }) },
    {
      name: 'many more errors',
      guard: 'error-share',
      outcome: 'fail',
      input: seen({ stable: { n: 9_900, errors: 99 }, candidate: { n: 100, errors: 20 } }),
    },
    {
      name: 'only the candidate fails on copies',
      guard: 'error-share',
      outcome: 'fail',
      input: seen({ stable: { n: 9_900 }, pairs: pairs(180, { failedOn: { stable: 0, candidate: 20, both: 0 } }) }),
    },
    {
      name: 'both fail on the same requests',
      guard: 'error-share',
      outcome: 'pass',
      input: seen({
        stable: { n: 9_900, errors: 900 },
        candidate: { n: 100, errors: 9 },
        pairs: pairs(3_000, { failedOn: { stable: 0, candidate: 0, both: 300 } }),
      }),
    },
    {
      name: 'clean copies, but live errors',
      guard: 'error-share',
      outcome: 'not_enough_evidence',
      input: seen({ stable: { n: 9_900 }, candidate: { n: 20, errors: 3 }, pairs: pairs(3_000) }),
    },
    {
      name: 'stable fails on a third as well',
      guard: 'error-share',
      outcome: 'common_fault',
      input: seen({ stable: { n: 9_900, errors: 3_300 }, candidate: { n: 100, errors: 38 } }),
    },
    {
      name: 'stable fails on a third, the candidate on everything',
      guard: 'error-share',
      outcome: 'fail',
      input: seen({ stable: { n: 9_900, errors: 3_300 }, candidate: { n: 100, errors: 100 } }),
    },
    {
      name: 'a third is usual',
      guard: 'error-share',
      outcome: 'not_enough_evidence',
      input: seen({ stable: { n: 9_900, errors: 3_300 }, candidate: { n: 100, errors: 38 } }, { usual: { requests: 10_000, errors: 3_300 } }),
    },
    { name: 'timeouts', guard: 'refusals', outcome: 'fail', input: seen({ stable: { n: 9_900 }, candidate: { n: 100, refused: 10 } }) },
    {
      name: 'NaN where stable was fine',
      guard: 'invalid-output',
      outcome: 'fail',
      input: seen({ stable: { n: 9_900 }, pairs: pairs(300, { invalidOn: { stable: 0, candidate: 9, both: 0 } }) }),
    },
    {
      name: 'NaN on both',
      guard: 'invalid-output',
      outcome: 'pass',
      input: seen({ stable: { n: 9_900, invalid: 200 }, pairs: pairs(3_000, { invalidOn: { stable: 0, candidate: 0, both: 60 } }) }),
    },
    {
      name: 'one answer to everything',
      guard: 'constant-output',
      outcome: 'fail',
      input: seen({ stable: { n: 9_900 }, candidate: { n: 100, varies: false } }),
    },
    {
      name: 'one answer, as stable',
      guard: 'constant-output',
      outcome: 'pass',
      input: seen({ stable: { n: 9_900, varies: false }, candidate: { n: 100, varies: false } }),
    },
    { name: 'ten times as slow', guard: 'latency-p50', outcome: 'fail', input: seen({ stable: { n: 2_900 }, candidate: { n: 30, seconds: 0.04 } }) },
    {
      name: 'slower by less than counts',
      guard: 'latency-p50',
      outcome: 'pass',
      input: seen({ stable: { n: 9_900, seconds: 0.0004 }, candidate: { n: 100, seconds: 0.003 } }),
    },
    {
      name: 'slower within a bucket, seen by its quantile',
      guard: 'latency-p50',
      outcome: 'not_enough_evidence',
      input: seen({ stable: { n: 9_900, seconds: 0.02 }, candidate: { n: 100, seconds: 0.04 } }),
    },
    { name: 'twice the memory and more', guard: 'memory', outcome: 'fail', input: seen({}, { memory: { stable: 1e8, candidate: 2.1e8 } }) },
    { name: 'memory not measured yet', guard: 'memory', outcome: 'not_enough_evidence', input: seen({}, { memory: { stable: 1e8 } }) },
    { name: 'swapped labels', guard: 'disagreement', outcome: 'fail', input: seen({ pairs: pairs(29, { flips: 29 }) }) },
    { name: 'a new training with 22 % of flips', guard: 'disagreement', outcome: 'pass', input: seen({ pairs: pairs(100, { flips: 22 }) }) },
    {
      name: 'the same training with 22 % of flips',
      guard: 'disagreement',
      outcome: 'fail',
      input: seen({ pairs: pairs(100, { flips: 22 }) }, derived),
    },
    { name: 'the same training without flips', guard: 'disagreement', outcome: 'pass', input: seen({ pairs: pairs(400) }, derived) },
    {
      name: 'a class that always flips',
      guard: 'disagreement:class=malignant',
      outcome: 'fail',
      input: seen(
        { pairs: pairs(100, { flips: 20, byClass: { benign: { rows: 80, flips: 0 }, malignant: { rows: 20, flips: 20 } } }) },
        { plan: guardsWith({ disagreement: { maxFlipSharePerClass: 0.3 } }) },
      ),
    },
    {
      name: 'scores far apart',
      guard: 'score-distance',
      outcome: 'fail',
      input: seen(
        { pairs: pairs(200, { distance: { n: 200, sum: 60, sumOfSquares: 20, max: 0.5 } }) },
        { plan: guardsWith({ disagreement: { maxScoreDistance: 0.1 } }) },
      ),
    },
    {
      name: 'other best classes',
      guard: 'top-k',
      outcome: 'fail',
      input: seen(
        { pairs: pairs(200, { topK: { n: 200, sum: 80 } }) },
        { plan: guardsWith({ disagreement: { minTopKOverlap: 0.8 } }), task: { kind: 'multiclass', rowAxis: 0 } },
      ),
    },
    {
      name: 'labels say twice as wrong',
      guard: 'quality',
      outcome: 'fail',
      input: seen(
        {},
        {
          quality: {
            stable: { kind: 'classification', labelled: 2_000, wrong: 200 },
            candidate: { kind: 'classification', labelled: 400, wrong: 120 },
          },
        },
      ),
    },
    {
      name: 'a mean error twice as large',
      guard: 'quality',
      outcome: 'fail',
      input: seen(
        {},
        {
          quality: {
            stable: { kind: 'regression', errors: { n: 1_000, absolute: 1_000, squared: 1_500, fourth: 0 } },
            candidate: { kind: 'regression', errors: { n: 500, absolute: 1_000, squared: 3_000, fourth: 0 } },
          },
        },
      ),
    },
    {
      name: 'scores elsewhere',
      guard: 'score-drift',
      outcome: 'fail',
      input: seen({ stable: { n: 5_000 }, candidate: { n: 500, more: { scores: Array.from({ length: 50 }, (_, bin) => (bin < 20 ? 25 : 0)) } } }),
    },
  ];
  it.each(cases)('$guard: $name is $outcome', ({ guard, outcome, input }) => {
    const judgement = judged(input, guard);
    expect(judgement.outcome, judgement.reason).toBe(outcome);
    expect(judgement.reason).toMatch(/^[A-Z].*\.$/);
    expect(judgement.verdict).toBe({ pass: 'ok', fail: 'alarm' }[outcome] ?? 'insufficient');
  });
});

it('a guard that is off gives no judgement, one that is watched never counts as failed', () => {
  const input = (mode: string) => seen({ stable: { n: 9_900 }, candidate: { n: 100, errors: 50 } }, { plan: guardsWith({ errorShare: { mode } }) });
  expect(judgeGuards(input('off')).map(({ guard }) => guard)).not.toContain('error-share');
  expect(judged(input('watch'), 'error-share')).toMatchObject({ outcome: 'fail', mode: 'watch' });
  expect(failedGuards(input('watch'))).toEqual([]);
  expect(failedGuards(input('enforce'))).toEqual(['error-share']);
});

it('labels do not hold a rollout up: few, or without a sign of a drop, are only watched', () => {
  const labels = (labelled: number, wrong: number) =>
    judged(
      seen(
        {},
        {
          stage: 2,
          quality: { stable: { kind: 'classification', labelled: 1_000, wrong: 100 }, candidate: { kind: 'classification', labelled, wrong } },
        },
      ),
      'quality',
    );
  expect(labels(20, 20)).toMatchObject({ outcome: 'not_enough_evidence', mode: 'watch' });
  expect(labels(200, 20)).toMatchObject({ outcome: 'not_enough_evidence', mode: 'watch' });
  expect(labels(200, 30)).toMatchObject({ outcome: 'not_enough_evidence', mode: 'enforce' });
  expect(judgeGuards(seen({})).map(({ guard }) => guard)).not.toContain('quality');
});

it('a pass asks for more the more traffic is next', () => {
  const clean = { stable: { n: 9_900 }, candidate: { n: 150 } };
  const alone = (index: number) =>
    judged({ ...seen(clean), plan: RolloutPlan.parse({ ...canaryPlan, comparisonsPerSecond: 0 }), stages: [stage(index, clean)] }, 'error-share');
  expect([0, 1, 2].map((index) => alone(index).outcome)).toEqual(['pass', 'not_enough_evidence', 'not_enough_evidence']);
  expect(alone(2).requestsNeeded).toBeGreaterThan(alone(1).requestsNeeded ?? 0);
});

it.each([
  { name: 'without copies', comparisonsPerSecond: 0, of: { candidate: { n: 20 } }, alone: ['error-share', 'refusals', 'invalid-output'] },
  { name: 'that gets copies', comparisonsPerSecond: 10, of: { candidate: { n: 20 }, pairs: pairs(10) }, alone: ['refusals'] },
])('a whole step $name asks for no answers of stable that cannot come', ({ comparisonsPerSecond, of, alone }) => {
  const steps = [10, 100].map((weightPercent) => ({ kind: 'step', weightPercent }));
  const plan = RolloutPlan.parse({ ...canaryPlan, comparisonsPerSecond, stages: steps });
  const before = stage(0, { stable: { n: 300 }, candidate: { n: 30 } });
  const outcomesAt = (index: number) => {
    const input = { ...seen({}), plan, stage: index, stages: [before, stage(1, of)].slice(0, index + 1) };
    return ['error-share', 'refusals', 'invalid-output'].map((guard) => judged(input, guard));
  };
  expect(outcomesAt(1).map(({ outcome }) => outcome)).toEqual(new Array(3).fill('not_enough_evidence'));
  expect(outcomesAt(1).flatMap(({ guard, requestsNeeded }) => (requestsNeeded === null ? [guard] : []))).toEqual(alone);
  expect(outcomesAt(0).filter(({ requestsNeeded }) => requestsNeeded === null)).toEqual([]);
});

it('copies that hint at a fault keep the candidate from live callers, though a step with the same counts would go on', () => {
  const step = { kind: 'step', weightPercent: 1 };
  const shadowed = RolloutPlan.parse({ ...canaryPlan, stages: [{ kind: 'shadow' }, step] });
  const stepped = RolloutPlan.parse({ ...canaryPlan, stages: [step, { kind: 'step', weightPercent: 1.5 }] });
  const hint = { stable: { n: 2_000 }, pairs: pairs(200, { invalidOn: { stable: 0, candidate: 4, both: 0 } }) };
  expect(judged(seen(hint, { plan: shadowed }), 'invalid-output').outcome).toBe('not_enough_evidence');
  expect(judged(seen({ ...hint, candidate: { n: 100 } }, { plan: stepped }), 'invalid-output').outcome).toBe('pass');
  expect(judged(seen({ ...hint, pairs: pairs(200) }, { plan: shadowed }), 'invalid-output').outcome).toBe('pass');
});

it('compares each stage with its own time: a calm first stage does not make a troubled second one the candidate’s fault', () => {
  const calm = stage(0, { stable: { n: 990_000, errors: 990 }, candidate: { n: 10_000, errors: 10 } });
  const troubled = stage(1, { stable: { n: 5_000, errors: 400 }, candidate: { n: 5_000, errors: 400 } });
  expect(judged({ ...seen({}), stages: [calm, troubled] }, 'error-share').outcome).not.toBe('fail');
});

it('several rows of one request count as one observation', () => {
  const rows = (n: number, perRequest: number) =>
    judged(seen({ pairs: { ...pairs(n), rows: n * perRequest, flips: n * perRequest } }), 'disagreement');
  expect(rows(2, 60)).toMatchObject({ outcome: 'not_enough_evidence', n: 2 });
  expect(rows(29, 1).outcome).toBe('fail');
});

it('copies are judged by the model’s own time, live answers by the time to answer', () => {
  const plan = RolloutPlan.parse({ strategy: 'shadow', stages: [{ kind: 'shadow' }], afterStages: 'end' });
  const slowQueue = { n: 200, seconds: 0.004, more: { duration: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0] } };
  expect(judged(seen({ stable: { n: 900 }, shadow: slowQueue, pairs: pairs(200) }, { plan }), 'latency-p50').outcome).toBe('pass');
  expect(judged(seen({ stable: { n: 900 }, shadow: { n: 200, seconds: 0.4 }, pairs: pairs(200) }, { plan }), 'latency-p50').outcome).toBe('fail');
  expect(judgeGuards(seen({ stable: { n: 900 } }, { plan })).map(({ guard }) => guard)).not.toContain('refusals');
});

describe('whatever has been seen', () => {
  const random = new Random(4);
  const upTo = (most: number) => Math.floor(most * random.uniform() ** 3);
  const sideUpTo = (most: number) => {
    const n = upTo(most);
    return {
      n,
      errors: upTo(n / 3),
      refused: upTo(n / 3),
      invalid: upTo(n / 4),
      seconds: 10 ** (-4 + 4 * random.uniform()),
      varies: random.uniform() < 0.8,
    };
  };
  const anyStage = (): SeenStage => {
    const n = upTo(3_000);
    return {
      stable: sideUpTo(50_000),
      candidate: sideUpTo(3_000),
      shadow: sideUpTo(3_000),
      pairs: pairs(n, {
        flips: upTo(n),
        failedOn: { stable: upTo(n / 5), candidate: upTo(n / 5), both: upTo(n) },
        invalidOn: { stable: upTo(n / 9), candidate: upTo(n / 9), both: upTo(n / 9) },
      }),
    };
  };
  const inputs = Array.from({ length: 60 }, () => ({
    ...seen({}),
    stages: Array.from({ length: 1 + upTo(3) }, (_, index) => stage(index, anyStage())),
  }));

  it('the quick look names the guards that fail, and no others', () => {
    for (const input of inputs)
      expect(failedGuards(input)).toEqual(
        judgeGuards(input)
          .filter(({ mode, outcome }) => mode === 'enforce' && outcome === 'fail')
          .map(({ guard }) => guard),
      );
  });

  it('intervals say what outcomes say, and numbers are numbers', () => {
    for (const judgement of inputs.flatMap((input) => judgeGuards(input))) {
      const { interval, outcome, threshold, unit, value } = judgement;
      for (const number of [value, ...(interval ?? []), judgement.smallestVisible, judgement.requestsNeeded])
        if (number !== null) expect(Number.isFinite(number)).toBe(true);
      if (interval === null || threshold === null || value === null) continue;
      expect(interval[0], judgement.reason).toBeLessThanOrEqual(Math.max(value, outcome === 'fail' ? threshold : value) + 1e-9);
      expect(interval[1], judgement.reason).toBeGreaterThanOrEqual(value - 1e-9);
      if (outcome === 'fail' && unit === 'share') expect(interval[0]).toBeGreaterThanOrEqual(threshold - 1e-9);
      if (outcome === 'not_enough_evidence') expect(judgement.requestsNeeded).not.toBe(0);
    }
  });
});
