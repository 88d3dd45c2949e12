import { describe, expect, it } from 'vitest';
import { evidenceOfExcess } from './difference-evidence.js';
import type { GuardInput } from './guard-input.js';
import { failedGuards, judgeGuards } from './judge-guards.js';
import { requestsToDetect } from './requests-to-detect.js';
import { Random } from './testing/random.js';
import { type Behaviour, healthy, planOf, simulateRollout, spread, type World } from './testing/simulate-rollout.js';

const seed = 20_261_122;
const equal: World = {
  requestsPerSecond: 200,
  weightsPercent: [1, 10, 50],
  secondsPerStage: 20,
  comparisonsPerSecond: 20,
  stable: healthy,
  candidate: healthy,
};

/** Share of rollouts in which an enforced guard failed at any second, and the candidate's answers until then. */
function rollouts(count: number, worldOf: (at: number, random: Random) => World) {
  const caught: { answers: number; pairs: number; guards: string[] }[] = [];
  for (let at = 0; at < count; at += 1) {
    const random = new Random(seed + at);
    const world = worldOf(at, random);
    simulateRollout(world, planOf(world), random, (input) => {
      const guards = failedGuards(input);
      if (guards.length > 0) caught.push({ ...answersOf(input), guards });
      return guards.length === 0;
    });
  }
  return { share: caught.length / count, caught };
}

function answersOf({ stages }: GuardInput) {
  const of = (pick: (one: GuardInput['stages'][number]) => number) => stages.reduce((sum, one) => sum + pick(one), 0);
  return { answers: of(({ candidate }) => candidate.requests), pairs: of(({ pairs }) => pairs.requests) };
}

describe('an equal candidate', { timeout: 60_000 }, () => {
  it('is taken back in at most 5 % of 2 000 rollouts although judged every second by all guards', () => {
    const { share } = rollouts(2_000, (at) => ({
      ...equal,
      requestsPerSecond: [20, 200, 1_000][at % 3] ?? 20,
      stable: behaviours[at % behaviours.length] ?? healthy,
      candidate: behaviours[at % behaviours.length] ?? healthy,
    }));
    expect(share).toBeLessThanOrEqual(0.05);
  });
  const behaviours: readonly Behaviour[] = [
    healthy,
    { ...healthy, errors: 0, refused: 0, invalid: 0 },
    { ...healthy, errors: 0.05, refused: 0.02, invalid: 0.01 },
    { ...healthy, errors: 0.0005, latency: spread({ 3: 0.5, 4: 0.45, 8: 0.049, 11: 0.001 }), flips: 0.3 },
  ];

  it.each([1, 10, 50])('as bad as the limit itself, at %i %, fails at its own level at most', (weightPercent) => {
    const [alarmLevel, limit, stable] = [0.05, 0.005, 0.01];
    let failed = 0;
    for (let at = 0; at < 400; at += 1) {
      const random = new Random(seed + at);
      const totals = { candidate: { n: 0, hits: 0 }, stable: { n: 0, hits: 0 } };
      for (let second = 0; second < 200; second += 1) {
        const toCandidate = random.binomial(200, weightPercent / 100);
        totals.candidate = { n: totals.candidate.n + toCandidate, hits: totals.candidate.hits + random.binomial(toCandidate, stable + limit) };
        totals.stable = { n: totals.stable.n + 200 - toCandidate, hits: totals.stable.hits + random.binomial(200 - toCandidate, stable) };
        if (evidenceOfExcess({ ...totals, independent: true }, limit) < Math.log(1 / alarmLevel)) continue;
        failed += 1;
        break;
      }
    }
    expect(failed / 400).toBeLessThanOrEqual(alarmLevel);
  });
});

describe('a fault that hits both', () => {
  it('is blamed on the candidate in no more than the budget', () => {
    const faults: ((second: number) => number)[] = [
      (second) => (second > 20 ? 0.3 : 0),
      (second) => (second % 15 === 7 ? 1 : 0),
      (second) => (second > 30 && second < 45 ? 0.8 : 0),
    ];
    const { share } = rollouts(300, (at) => ({ ...equal, requestsPerSecond: [20, 200][at % 2] ?? 20, faultAt: faults[at % 3] ?? (() => 0) }));
    expect(share).toBeLessThanOrEqual(0.05);
  });
});

describe('an error share that rises from 1 % to 3 %', () => {
  it.each([1, 10, 50])('is found at a weight of %i % within the published number of answers in at least 95 of 100 rollouts', (weightPercent) => {
    const worse = { ...healthy, errors: 0.03 };
    const world = {
      ...equal,
      requestsPerSecond: 2_000 / weightPercent,
      weightsPercent: [weightPercent],
      secondsPerStage: 600,
      comparisonsPerSecond: 0,
      candidate: worse,
    };
    const published = requestsToDetect({ stable: 0.01, candidate: 0.03, limit: 0.005, alarmLevel: 0.05 / 6, weight: weightPercent / 100 });
    const { caught } = rollouts(200, () => world);
    const inTime = caught.filter(({ answers, guards }) => guards.includes('error-share') && answers <= (published ?? 0));
    expect(inTime.length / 200).toBeGreaterThanOrEqual(0.95);
  });
});

describe('a candidate that is bad', () => {
  const first = { ...equal, weightsPercent: [1], secondsPerStage: 200, requestsPerSecond: 200, comparisonsPerSecond: 50 };
  const stable = { ...healthy, errors: 0.001, invalid: 0 };
  it.each([
    { name: 'NaN in 2.6 % of the rows', candidate: { ...stable, invalid: 0.026 }, guard: 'invalid-output', answers: 200 },
    { name: 'ten times as slow', candidate: { ...stable, latency: spread({ 5: 0.1, 6: 0.7, 7: 0.15, 8: 0.05 }) }, guard: 'latency', answers: 100 },
    { name: 'swapped labels', candidate: { ...stable, flips: 0.99 }, guard: 'disagreement', answers: 100 },
  ])('$name: is stopped in the first step of 1 % for the right reason', ({ candidate, guard, answers }) => {
    const { caught } = rollouts(150, () => ({ ...first, stable, candidate }));
    expect(caught.filter((one) => one.answers <= answers && one.guards.some((name) => name.startsWith(guard)))).toHaveLength(150);
  });
});

describe('too little traffic', () => {
  it('is never a pass, whatever the few answers were', () => {
    for (let at = 0; at < 300; at += 1) {
      const random = new Random(seed + at);
      const world = { ...equal, requestsPerSecond: 2, weightsPercent: [[1, 10, 50][at % 3] ?? 1], secondsPerStage: 5, comparisonsPerSecond: 0 };
      simulateRollout(world, planOf(world), random, (input, second) => {
        if (second < 4) return true;
        for (const judgement of judgeGuards(input).filter(({ guard }) => guard !== 'constant-output'))
          expect(judgement.outcome, judgement.reason).toBe('not_enough_evidence');
        return true;
      });
    }
  });
});
