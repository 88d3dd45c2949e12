import { lnGamma } from './gamma-tail.js';

const mostTerms = 10_000;
const tiny = 1e-300;
const epsilon = 1e-16;
/** Relative, of bounds. */
const precision = 1e-12;

/** Chance of `k` or more successes in `n` trials that each succeed with chance `share`; exact, by the incomplete beta function. */
export function binomialTail(k: number, n: number, share: number): number {
  if (k <= 0) return 1;
  if (k > n || share <= 0) return 0;
  if (share >= 1) return 1;
  return regularisedBeta(share, k, n - k + 1);
}

/** Upper bound of a share of which `k` in `n` were seen, wrong with chance `level` at most (Clopper and Pearson, 1934). */
export function shareUpperBound(k: number, n: number, level: number): number {
  if (n <= 0 || k >= n) return 1;
  // The share at which k or fewer successes have the chance `level`: falls with the share, so halving finds it.
  let [low, high] = [k / n, 1];
  const logBeta = logBetaOf(n - k, k + 1);
  for (let step = 0; step < 200 && high - low > precision * high; step += 1) {
    const middle = (low + high) / 2;
    if (regularisedBeta(1 - middle, n - k, k + 1, logBeta) > level) low = middle;
    else high = middle;
  }
  return high;
}

/** Lower bound of a share, wrong with chance `level` at most. */
export function shareLowerBound(k: number, n: number, level: number): number {
  return n <= 0 ? 0 : 1 - shareUpperBound(n - k, n, level);
}

/** Regularised incomplete beta function I_x(a, b) by Lentz' continued fraction (Numerical Recipes, 6.4). */
export function regularisedBeta(x: number, a: number, b: number, logBeta = logBetaOf(a, b)): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const scale = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta);
  // The fraction converges fast below the mean; above it the other tail is computed.
  if (x < (a + 1) / (a + b + 2)) return Math.min(1, (scale * betaFraction(x, a, b)) / a);
  return Math.max(0, 1 - (scale * betaFraction(1 - x, b, a)) / b);
}

function logBetaOf(a: number, b: number): number {
  return lnGamma(a) + lnGamma(b) - lnGamma(a + b);
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let k = 1; k < mostTerms; k += 1) {
    const even = (k * (b - k) * x) / ((a + 2 * k - 1) * (a + 2 * k));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    h *= d * c;
    const odd = (-(a + k) * (a + b + k) * x) / ((a + 2 * k) * (a + 2 * k + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    const change = d * c;
    h *= change;
    if (Math.abs(change - 1) < epsilon) break;
  }
  return h;
}

function nonZero(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
