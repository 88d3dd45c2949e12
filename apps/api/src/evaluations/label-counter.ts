import type { LabelSummary } from '@slipway/contracts';
import { labelOf, numberOf } from '@slipway/metrics';

/** Distinct labels that are listed; more are numbers to be predicted, or no labels at all. */
const listedClasses = 1_000;

/** Counts the labels of a set while its rows go by. */
export class LabelCounter {
  private rows = 0;
  private missing = 0;
  private isNumeric = true;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;
  private counts: Map<string, number> | undefined = new Map();

  /** @param cell what the label column says */
  add(cell: unknown): void {
    this.rows += 1;
    const label = labelOf(cell);
    if (label === undefined) {
      this.missing += 1;
      return;
    }
    this.count(label);
    const number = numberOf(label);
    if (number === undefined) this.isNumeric = false;
    else {
      this.min = Math.min(this.min, number);
      this.max = Math.max(this.max, number);
    }
  }

  summary(): LabelSummary {
    const isNumeric = this.isNumeric && this.rows > this.missing;
    const classes = this.counts === undefined ? null : [...this.counts].map(([label, count]) => ({ label, count }));
    return {
      rows: this.rows,
      missing: this.missing,
      numeric: isNumeric,
      min: isNumeric ? this.min : null,
      max: isNumeric ? this.max : null,
      classes: classes?.sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1)) ?? null,
    };
  }

  private count(label: string): void {
    if (this.counts === undefined) return;
    this.counts.set(label, (this.counts.get(label) ?? 0) + 1);
    if (this.counts.size > listedClasses) this.counts = undefined;
  }
}
