// Seeded random numbers: the same in every run and on every machine.

/** mulberry32, and what is drawn from it. */
export class Random {
  #state;
  #spare;

  constructor(seed) {
    this.#state = seed | 0;
  }

  uniform() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Standard normal, by the polar method. */
  normal() {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    for (;;) {
      const [x, y] = [2 * this.uniform() - 1, 2 * this.uniform() - 1];
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  /** Exact for small expectations (gaps between successes), by a rounded normal for large ones. */
  binomial(n, share) {
    if (n <= 0 || share <= 0) return 0;
    if (share >= 1) return n;
    if (share > 0.5) return n - this.binomial(n, 1 - share);
    const mean = n * share;
    if (mean > 30) return Math.max(0, Math.min(n, Math.round(mean + this.normal() * Math.sqrt(mean * (1 - share)))));
    const logMiss = Math.log1p(-share);
    let successes = -1;
    for (let at = 0; at <= n; successes += 1) at += 1 + Math.floor(Math.log(1 - this.uniform()) / logMiss);
    return successes;
  }

  /** Counts of `n` rows over bins of these shares, which sum to 1. */
  multinomial(n, shares) {
    const counts = new Array(shares.length).fill(0);
    let [left, rest] = [n, 1];
    for (let bin = 0; bin < shares.length && left > 0; bin += 1) {
      const count = bin === shares.length - 1 ? left : this.binomial(left, Math.min(1, shares[bin] / Math.max(rest, 1e-15)));
      counts[bin] = count;
      left -= count;
      rest -= shares[bin];
    }
    return counts;
  }

  pick(values) {
    return values[Math.floor(this.uniform() * values.length)];
  }
}

/** Distribution function of the standard normal (erfc by the Chebyshev fit of Numerical Recipes, relative error below 1.2e-7: far below the noise of any window). */
export function normalBelow(x) {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * z);
  const fit = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223];
  const tail = t * Math.exp(-z * z + fit.reduce((sum, coefficient) => sum * t + coefficient, 0));
  return x >= 0 ? 1 - tail / 2 : tail / 2;
}
