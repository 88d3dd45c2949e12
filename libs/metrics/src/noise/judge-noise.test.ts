import { describe, expect, it } from 'vitest';
import { seededRandom } from '../evaluation/seeded-random.js';
import { alarmShares } from '../judgements/alarm-shares.js';
import { judgeExact, judgeRanked, judgeReplicas, noiseLevel, type RankedBaseline } from './judge-noise.js';
import { learnBaseline, rankedBaseline } from './noise-baseline.js';
import { binsOf } from './noise-bins.js';
import { noiseReferenceOf } from './noise-reference.js';
import { type NoiseTotals, noTotals } from './noise-totals.js';

const totals = (sizes: readonly number[]): NoiseTotals => ({
  ...noTotals(),
  n: sizes.length,
  relativeSum: sizes.reduce((sum, size) => sum + size, 0),
  relativeMax: Math.max(0, ...sizes),
  bins: binsOf(sizes),
});
const many = (n: number, size: number) => new Array<number>(n).fill(size);
const level = noiseLevel(alarmShares.noise);

describe('what ought to be nothing', () => {
  it.each([
    { name: 'a random model alarms from three measurements on', sizes: many(3, 0.3), verdict: 'alarm' },
    { name: 'one measurement says nothing', sizes: many(1, 0.3), verdict: 'insufficient' },
    { name: 'equal answers are in order', sizes: many(50, 0), verdict: 'ok' },
    { name: 'rounding is in order', sizes: many(50, 1e-6), verdict: 'ok' },
    { name: 'more than rounding is not', sizes: many(50, 2e-6), verdict: 'alarm' },
    { name: 'one odd measurement of many is let pass', sizes: [...many(49, 0), 0.3], verdict: 'ok' },
    { name: 'two are not', sizes: [...many(30, 0), 0.3, 0.3], verdict: 'alarm' },
  ])('$name', ({ sizes, verdict }) => {
    const judged = judgeExact('repeat', totals(sizes));
    expect(judged).toMatchObject({ verdict, n: sizes.length, threshold: 1e-6 });
    expect(judged.reason).toMatch(/\.$/);
  });

  it('allows more where batches differ', () => {
    expect(judgeExact('natural', totals(many(50, 9e-6))).verdict).toBe('ok');
    expect(judgeExact('natural', totals(many(50, 2e-5))).verdict).toBe('alarm');
  });
});

describe('instances against each other', () => {
  const differed = { atMs: 5, agreedInRow: 0, differedAtMs: 5, groups: [['ins_a', 'ins_b'], ['ins_c']] };

  it('alarms at the first difference and names who differs', () => {
    const judged = judgeReplicas(totals([0, 0, 0.4]), [differed], false);
    expect(judged).toMatchObject({ verdict: 'alarm', value: 0.4 });
    expect(judged.reason).toContain('ins_c against ins_a, ins_b');
  });

  it.each([
    { name: 'still alarms after one agreement', detail: { ...differed, agreedInRow: 1 }, isRandom: false, verdict: 'alarm' },
    { name: 'is over after two', detail: { ...differed, agreedInRow: 2 }, isRandom: false, verdict: 'ok' },
    { name: 'says nothing of a version that differs from itself', detail: differed, isRandom: true, verdict: 'insufficient' },
  ])('$name', ({ detail, isRandom, verdict }) => {
    expect(judgeReplicas(totals([0, 0.4]), [detail], isRandom).verdict).toBe(verdict);
  });

  it('says nothing without a comparison', () => {
    expect(judgeReplicas(noTotals(), [], false).verdict).toBe('insufficient');
  });
});

describe('what has a usual size', () => {
  const baseline = (sizes: readonly number[]): RankedBaseline | undefined =>
    rankedBaseline(
      { source: 'reference', probes: { jitter: noiseReferenceOf(sizes.map((relative) => ({ relative, labels: 0, flips: 0 }))) } },
      'jitter',
    );
  const usual = Array.from({ length: 200 }, (_, at) => 0.01 + at / 20_000);

  it.each([
    { name: 'the same sizes are in order', sizes: usual, verdict: 'ok' },
    { name: 'four times as large is not', sizes: usual.map((size) => 4 * size), verdict: 'alarm' },
    { name: 'twice as large is', sizes: usual.map((size) => 2 * size), verdict: 'ok' },
    { name: 'too few say nothing', sizes: many(19, 9), verdict: 'insufficient' },
    { name: 'a few large ones do not move the quantile', sizes: [...usual.slice(0, 97), 9, 9, 9], verdict: 'ok' },
  ])('$name', ({ sizes, verdict }) => {
    expect(judgeRanked('jitter', totals(sizes), baseline(usual), level).verdict).toBe(verdict);
  });

  it('a trifle is none, whatever was usual', () => {
    expect(judgeRanked('jitter', totals(many(100, 5e-4)), baseline(many(100, 0)), level).verdict).toBe('ok');
    expect(judgeRanked('jitter', totals(many(100, 5e-3)), baseline(many(100, 0)), level).verdict).toBe('alarm');
  });

  it('says nothing before it is known what is usual', () => {
    const judged = judgeRanked('version', totals(many(100, 1)), undefined, level);
    expect(judged).toMatchObject({ verdict: 'insufficient', threshold: null });
  });

  it('learns from the first hours, then keeps to it', () => {
    const hour = (sizes: readonly number[]) => ({
      startAtMs: 0,
      version: 1,
      probe: 'jitter' as const,
      otherVersion: 0,
      totals: totals(sizes),
      details: [],
    });
    const first = learnBaseline(undefined, [hour(many(60, 0.1))]);
    expect(first.baseline).toBeUndefined();
    const second = learnBaseline(first.bins, [hour(many(60, 0.1))]);
    expect(second.baseline).toBeUndefined();
    const third = learnBaseline(second.bins, [hour(many(60, 9))]);
    expect(third.baseline).toMatchObject({ source: 'learned', n: 120 });
    expect(third.bins).toEqual(second.bins);
  });
});

describe('false alarms', () => {
  /** Standard normal (G. E. P. Box and M. E. Muller, 1958). */
  const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const laws: readonly { readonly name: string; readonly draw: (random: () => number) => number }[] = [
    { name: 'light tails', draw: (random) => 0.05 * Math.abs(normal(random)) },
    { name: 'log-normal', draw: (random) => 0.02 * Math.exp(normal(random)) },
    { name: 'very heavy tails', draw: (random) => 1e-3 * Math.exp(3 * normal(random)) },
    { name: 'mostly nothing, as of trees', draw: (random) => (random() < 0.95 ? 0 : 0.3 * random()) },
  ];
  const windows = 1_440;

  it.each(laws.flatMap((law) => [20, 60, 300].map((n) => ({ ...law, n }))))(
    '$name, windows of $n: at most one false alarm in two months',
    ({ draw, n }) => {
      const random = seededRandom(n);
      let alarms = 0;
      for (let window = 0; window < windows; window += 1) {
        // A reference of its own each time: what is unlucky about one must not count as honest.
        if (window % 40 === 0) base = noiseReferenceOf(Array.from({ length: 100 }, () => ({ relative: draw(random), labels: 0, flips: 0 })));
        const known = rankedBaseline({ source: 'reference', probes: { jitter: base } }, 'jitter');
        const judged = judgeRanked('jitter', totals(Array.from({ length: n }, () => draw(random))), known, level);
        if (judged.verdict === 'alarm') alarms += 1;
      }
      // Two months of one probe.
      expect(alarms).toBeLessThanOrEqual(1);
    },
  );
  let base = noiseReferenceOf([]);

  it('finds noise that has grown to five times what it was in 60 measurements', () => {
    const random = seededRandom(7);
    const draw = () => 0.02 * Math.exp(0.5 * normal(random));
    let found = 0;
    for (let window = 0; window < 200; window += 1) {
      const reference = noiseReferenceOf(Array.from({ length: 100 }, () => ({ relative: draw(), labels: 0, flips: 0 })));
      const known = rankedBaseline({ source: 'reference', probes: { jitter: reference } }, 'jitter');
      if (judgeRanked('jitter', totals(Array.from({ length: 60 }, () => 5 * draw())), known, level).verdict === 'alarm') found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(180);
  });
});
