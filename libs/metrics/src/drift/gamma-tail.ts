const lanczosG = 7;
/** Lanczos' coefficients for g = 7, n = 9 (P. Godfrey); relative error about 1e-15. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
  9.9843695780195716e-6, 1.5056327351493116e-7,
];
const mostTerms = 10_000;
const tiny = 1e-300;
const epsilon = 1e-16;

/** ln Γ(x) for x > 0. */
export function lnGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - lnGamma(1 - x);
  const at = x - 1;
  const shifted = at + lanczosG + 0.5;
  const series = lanczos.reduce((sum, coefficient, k) => sum + (k === 0 ? coefficient : coefficient / (at + k)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (at + 0.5) * Math.log(shifted) - shifted + Math.log(series);
}

/**
 * Regularised upper incomplete gamma function Q(a, x), a > 0, x ≥ 0: by its series below a + 1, by Lentz' continued fraction above, where the
 * small tail is summed directly and keeps its relative precision (Numerical Recipes, 6.2).
 */
export function upperGamma(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) throw new RangeError(`expected a > 0 and x ≥ 0, given ${a} and ${x}`);
  if (x === 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const scale = Math.exp(a * Math.log(x) - x - lnGamma(a));
  return x < a + 1 ? Math.max(0, 1 - scale * lowerSeries(a, x)) : Math.min(1, scale * upperFraction(a, x));
}

/** Chance of a χ² value of `df` degrees of freedom as large as `x`. */
export function chiSquareTail(x: number, df: number): number {
  return upperGamma(df / 2, Math.max(0, x) / 2);
}

/** Chance of a standard normal value farther from 0 than |z|, to either side. */
export function normalTails(z: number): number {
  return chiSquareTail(z * z, 1);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let k = 1; k < mostTerms; k += 1) {
    term *= x / (a + k);
    sum += term;
    if (term < sum * epsilon) break;
  }
  return sum;
}

function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let k = 1; k < mostTerms; k += 1) {
    const an = -k * (k - a);
    b += 2;
    d = 1 / nonZero(an * d + b);
    c = nonZero(b + an / c);
    const change = d * c;
    h *= change;
    if (Math.abs(change - 1) < epsilon) break;
  }
  return h;
}

function nonZero(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
