import type { ObservedAnswer, Outcome, SideEvidence, Task } from '@slipway/contracts';
import { latencyBucketCount, latencyBucketOf } from '../windows/latency-buckets.js';
import { otherClass } from './compare-answers.js';
import { scoreBins, sideClassesMost } from './merge-evidence.js';

/** One answer, or one failure, of a side. */
export interface ObservedRequest {
  readonly outcome: Outcome;
  readonly durationSeconds: number;
  readonly computeSeconds: number | undefined;
  readonly rows: number;
  readonly observed: ObservedAnswer | undefined;
  readonly task: Task['kind'] | undefined;
}

/** The running totals of one side in memory; cheap enough for every request of a deployment on trial. */
export class ObservedSide {
  crashes = 0;
  private requests = 0;
  private readonly outcomes: Partial<Record<Outcome, number>> = {};
  private readonly duration = new Array<number>(latencyBucketCount).fill(0);
  private readonly compute = new Array<number>(latencyBucketCount).fill(0);
  private rows = 0;
  private invalidOutputs = 0;
  private readonly classes = new Map<string, number>();
  private readonly scores = new Array<number>(scoreBins).fill(0);
  private readonly values = { n: 0, sum: 0, sumOfSquares: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  private varies = false;
  /** The first row that was seen: what is not equal to it varies. */
  private first: string | undefined;

  count({ outcome, durationSeconds, computeSeconds, rows, observed, task }: ObservedRequest): void {
    this.requests += 1;
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    this.rows += rows;
    if (outcome === 'nan_output' || outcome === 'out_of_range_output') this.invalidOutputs += 1;
    bump(this.duration, latencyBucketOf(durationSeconds));
    if (computeSeconds !== undefined) bump(this.compute, latencyBucketOf(computeSeconds));
    if (observed !== undefined) this.observe(observed, task);
  }

  show(): SideEvidence {
    const { requests, outcomes, duration, compute, rows, invalidOutputs, classes, scores, values, varies, crashes } = this;
    const hasValues = values.n > 0;
    return {
      requests,
      outcomes: { ...outcomes },
      duration: [...duration],
      compute: [...compute],
      rows,
      invalidOutputs,
      classes: Object.fromEntries(classes),
      scores: [...scores],
      values: { ...values, min: hasValues ? values.min : null, max: hasValues ? values.max : null },
      varies,
      crashes,
    };
  }

  private observe({ p, s, h }: ObservedAnswer, task: Task['kind'] | undefined): void {
    if (h !== undefined) this.note(h);
    const count = p?.length ?? 0;
    for (let row = 0; row < count; row += 1) {
      const label = p?.[row] ?? null;
      const score = s?.[row] ?? null;
      if (label === null && score === null) continue;
      if (!this.varies) this.note(`${label}|${score}`);
      if (task === 'regression') this.addValue(label);
      else if (label !== null) this.addClass(String(label));
      if (score !== null && score >= 0 && score <= 1) bump(this.scores, Math.min(scoreBins - 1, Math.floor(score * scoreBins)));
    }
  }

  private note(row: string): void {
    this.first ??= row;
    if (row !== this.first) this.varies = true;
  }

  private addValue(value: string | number | null): void {
    if (typeof value !== 'number') return;
    const { values } = this;
    values.n += 1;
    values.sum += value;
    values.sumOfSquares += value * value;
    values.min = Math.min(values.min, value);
    values.max = Math.max(values.max, value);
  }

  private addClass(name: string): void {
    const { classes } = this;
    const key = classes.has(name) || classes.size < sideClassesMost ? name : otherClass;
    classes.set(key, (classes.get(key) ?? 0) + 1);
  }
}

function bump(counts: number[], at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}
