/** A sum that keeps what plain addition would round away (A. Neumaier, 1974), so that metrics do not depend on the order of rows. */
export class StableSum {
  private sum = 0;
  private lost = 0;

  add(value: number): void {
    const next = this.sum + value;
    this.lost += Math.abs(this.sum) >= Math.abs(value) ? this.sum - next + value : value - next + this.sum;
    this.sum = next;
  }

  get value(): number {
    // Once the sum is infinite, the rounding error is no number.
    return Number.isFinite(this.sum) ? this.sum + this.lost : this.sum;
  }
}
