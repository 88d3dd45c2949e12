/** Admits `perSecond` things a second on average and up to one second's worth at once. */
export class TokenBucket {
  private tokens = Number.POSITIVE_INFINITY;
  private filledAtMs = 0;

  take(perSecond: number, nowMs: number): boolean {
    this.tokens = Math.min(perSecond, this.tokens + ((nowMs - this.filledAtMs) * perSecond) / 1000);
    this.filledAtMs = nowMs;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
