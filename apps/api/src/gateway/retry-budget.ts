/**
 * Bounds retries to a share of the requests, so that an outage is not made worse by its own retries. A reserve allows the burst that a
 * single killed instance causes.
 */
export class RetryBudget {
  private tokens: number;

  constructor(
    private readonly ratio = 0.1,
    private readonly reserve = 128,
  ) {
    this.tokens = reserve;
  }

  /** Counts a request. */
  deposit(): void {
    if (this.tokens < this.reserve) this.tokens += this.ratio;
  }

  /** Whether one more retry is within the budget; if so it is spent. */
  withdraw(): boolean {
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
