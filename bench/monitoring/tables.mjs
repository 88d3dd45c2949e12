// The tables of `monitoring.md` 7: how often usual cuts alarm where nothing has changed, how often Slipway does, and what Slipway finds.
import {
  alarmShares,
  jensenShannonDistance,
  judgeSamples,
  kolmogorovSmirnov,
  lookLevel,
  populationStabilityIndex,
  wassersteinDistance,
} from '@slipway/metrics';
import { Random } from './random.mjs';

export const windowSizes = [30, 50, 100, 200, 500, 1_000, 5_000];
const referenceRows = 5_000;
const features = 20;

/** Shares of windows without drift that each rule alarms on, by window size. */
export function falseAlarms(repetitions, seed) {
  const random = new Random(seed);
  const counts = windowSizes.map(() => ({ wasserstein: 0, psi1: 0, psi2: 0, jensenShannon: 0, ks: 0, anyOf20: 0, slipway: 0, silent: 0 }));
  const groups = windowSizes.map(() => ({ alarmed: false, groups: 0 }));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const reference = normals(random, referenceRows);
    const deciles = decilesOf(reference);
    const referenceBins = binned(reference, deciles);
    const equal = new Array(20).fill(1 / 20);
    const categories = random.multinomial(referenceRows, equal);
    for (const [index, size] of windowSizes.entries()) {
      const window = normals(random, size);
      const count = counts[index];
      const ks = kolmogorovSmirnov(reference, window, 'stephens').p < 0.05;
      // As it is usually computed: empty bins are filled by a share of 1e-4.
      const psi = populationStabilityIndex(referenceBins, binned(window, deciles), { floor: 1e-4 }).value;
      const judged = judgeSamples(reference, window);
      count.wasserstein += Number(wassersteinDistance(reference, window).normalised >= 0.1);
      count.psi1 += Number(psi >= 0.1);
      count.psi2 += Number(psi >= 0.2);
      count.jensenShannon += Number(jensenShannonDistance(categories, random.multinomial(size, equal), 'e').value >= 0.1);
      count.ks += Number(ks);
      count.slipway += Number(judged.verdict === 'alarm');
      count.silent += Number(judged.verdict === 'insufficient');
      // Twenty repetitions stand for twenty features of one window.
      groups[index].alarmed ||= ks;
      if (repetition % features === features - 1) {
        count.anyOf20 += Number(groups[index].alarmed);
        groups[index] = { alarmed: false, groups: groups[index].groups + 1 };
      }
    }
  }
  return counts.map(({ anyOf20, ...count }, index) => ({
    size: windowSizes[index],
    ...Object.fromEntries(Object.entries(count).map(([rule, alarms]) => [rule, alarms / repetitions])),
    anyOf20: anyOf20 / Math.max(1, groups[index].groups),
  }));
}

const changes = { half: { shift: 0.5, scale: 1 }, spread: { shift: 0, scale: 1.5 }, whole: { shift: 1, scale: 1 } };

/** The smallest level that the budget leaves to any look of the walk. */
const level = lookLevel(alarmShares.drift, 'change');

/** Shares of changed windows that Slipway alarms on at that level, by window size; false alarms are counted at the larger level of a single question. */
export function detections(repetitions, seed) {
  const random = new Random(seed);
  const counts = windowSizes.map(() => ({ half: 0, spread: 0, whole: 0 }));
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const reference = normals(random, referenceRows);
    for (const [index, size] of windowSizes.entries()) {
      for (const [name, { shift, scale }] of Object.entries(changes)) {
        const window = normals(random, size).map((value) => shift + scale * value);
        counts[index][name] += Number(judgeSamples(reference, window, { level }).verdict === 'alarm') / repetitions;
      }
    }
  }
  return counts.map((count, index) => ({ size: windowSizes[index], ...count }));
}

function normals(random, count) {
  return Float64Array.from({ length: count }, () => random.normal());
}

function decilesOf(values) {
  const sorted = Float64Array.from(values).sort();
  return Array.from({ length: 9 }, (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / 10)]);
}

function binned(values, edges) {
  const counts = new Array(edges.length + 1).fill(0);
  for (const value of values) {
    let bin = 0;
    while (bin < edges.length && value >= edges[bin]) bin += 1;
    counts[bin] += 1;
  }
  return counts;
}
