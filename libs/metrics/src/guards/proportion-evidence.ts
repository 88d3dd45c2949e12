/** `hits` of `n` observations, each between 0 and 1. Means of requests of several rows are such observations, so hits need not be whole. */
export interface Proportion {
  readonly n: number;
  readonly hits: number;
}

/**
 * Natural logarithm of the evidence (a nonnegative supermartingale that begins at 1) that the mean lies **above** `limit`, for any mean of
 * observations in [0, 1] that is at most `limit` on average. By Ville's inequality (J. Ville, 1939) it ever reaches log(1/α) with a chance of at
 * most α, however often and whenever it is looked at.
 *
 * M = Σⱼ wⱼ · exp(λⱼ·hits − n·log(1 + limit·(e^λⱼ − 1))), the sub-Bernoulli supermartingale mixed over a grid of λ (Howard, Ramdas, McAuliffe and
 * Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021; mixtures: H. Robbins, 1970). Each step is
 * at most 1 on average because e^(λx) ≤ 1 + x(e^λ − 1) for x in [0, 1]. Observations may depend on the past and their means may change with
 * time: log(1 + m(e^λ − 1)) is concave in m, so the average of the means is what is tested.
 */
export function evidenceAbove(seen: Proportion, limit: number): number {
  return mixture(aboveGrid, seen, limit);
}

/** The same for a mean **below** `limit`. More weight lies on the largest |λ|, which is what no hit at all is seen by soonest. */
export function evidenceBelow(seen: Proportion, limit: number): number {
  return mixture(belowGrid, seen, limit);
}

interface Tilt {
  readonly lambda: number;
  /** e^λ − 1 */
  readonly factor: number;
  readonly logWeight: number;
}

// λ from 0.1 (odds ratio 1.1) to 7 (1 100), each 1.7 times the last: between two of them at most 7 % of the best growth are lost.
const magnitudes = Array.from({ length: 9 }, (_, index) => 0.1 * 1.7 ** index);
const aboveGrid = gridOf(1, [1, 1, 1, 1, 1, 1, 1, 1, 1]);
const belowGrid = gridOf(-1, [1, 1, 1, 1, 1, 1, 1, 2, 6]);

function gridOf(sign: 1 | -1, weights: readonly number[]): readonly Tilt[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return magnitudes.map((magnitude, index) => ({
    lambda: sign * magnitude,
    factor: Math.expm1(sign * magnitude),
    logWeight: Math.log((weights[index] ?? 0) / total),
  }));
}

function mixture(grid: readonly Tilt[], { n, hits }: Proportion, limit: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  // Σ exp(term − largest), rescaled whenever a larger term comes.
  let sum = 0;
  for (const { lambda, factor, logWeight } of grid) {
    const term = logWeight + lambda * hits - n * Math.log1p(limit * factor);
    if (term > largest) {
      sum = sum * Math.exp(largest - term) + 1;
      largest = term;
    } else sum += Math.exp(term - largest);
  }
  return largest + Math.log(sum);
}

/** log Σ exp(values), without overflow. */
export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (!Number.isFinite(largest)) return largest;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}
