/** A seeded generator (mulberry32) of uniform numbers and of what is drawn from them, so that every run sees the same rollouts. */
export class Random {
  constructor(private state: number) {}

  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Exact for small expectations (gaps between successes), normal for large ones. */
  binomial(n: number, share: number): number {
    if (n <= 0 || share <= 0) return 0;
    if (share >= 1) return n;
    if (share > 0.5) return n - this.binomial(n, 1 - share);
    const mean = n * share;
    if (mean > 40) {
      const normal = Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
      return Math.max(0, Math.min(n, Math.round(mean + normal * Math.sqrt(mean * (1 - share)))));
    }
    let successes = -1;
    const logMiss = Math.log1p(-share);
    for (let at = 0; at <= n; successes += 1) at += 1 + Math.floor(Math.log(1 - this.uniform()) / logMiss);
    return successes;
  }
}
