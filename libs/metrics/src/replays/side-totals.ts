import type { ObservedAnswer, Outcome, SideEvidence, Task } from '@slipway/contracts';
import { otherClass } from '../evidence/compare-answers.js';
import { latencyBucketCount, latencyBucketOf } from '../windows/latency-buckets.js';

const scoreBins = 50;
const classesMost = 64;

/** One answer, or one failure, of a side. */
export interface SideAnswer {
  readonly outcome: Outcome;
  readonly computeSeconds: number | undefined;
  readonly rows: number;
  readonly isInvalid: boolean;
  readonly observed: ObservedAnswer | undefined;
}

/** Nothing seen. */
export function emptySide(): SideEvidence {
  return {
    requests: 0,
    outcomes: {},
    duration: new Array<number>(latencyBucketCount).fill(0),
    compute: new Array<number>(latencyBucketCount).fill(0),
    rows: 0,
    invalidOutputs: 0,
    classes: {},
    scores: new Array<number>(scoreBins).fill(0),
    values: { n: 0, sum: 0, sumOfSquares: 0, min: null, max: null },
    varies: false,
    crashes: 0,
  };
}

/**
 * Running totals of one side of a replay. There is no live caller, so the duration has no buckets, and the model's own time is what tells the
 * sides apart.
 */
export class SideTotals {
  private readonly total: Writable<SideEvidence>;
  private first: string | undefined;

  /** @param from what an earlier claim had seen. */
  constructor(
    from: SideEvidence,
    private readonly task: Task['kind'] | undefined,
  ) {
    this.total = structuredClone(from);
  }

  get evidence(): SideEvidence {
    return structuredClone(this.total);
  }

  add({ outcome, computeSeconds, rows, isInvalid, observed }: SideAnswer): void {
    const { total } = this;
    total.requests += 1;
    total.outcomes = { ...total.outcomes, [outcome]: (total.outcomes[outcome] ?? 0) + 1 };
    total.rows += rows;
    if (isInvalid) total.invalidOutputs += 1;
    if (computeSeconds !== undefined) total.compute = added(total.compute, latencyBucketOf(computeSeconds));
    if (observed !== undefined) this.observe(observed);
  }

  crashed(): void {
    this.total.crashes += 1;
  }

  private observe(observed: ObservedAnswer): void {
    const { total } = this;
    for (const label of observed.p ?? []) {
      if (label === null) continue;
      if (this.task === 'regression') this.addValue(label);
      else this.addClass(String(label));
    }
    for (const score of observed.s ?? []) {
      if (score === null || score < 0 || score > 1) continue;
      total.scores = added(total.scores, Math.min(scoreBins - 1, Math.floor(score * scoreBins)));
    }
    const key = observed.h ?? JSON.stringify([observed.p, observed.s]);
    this.first ??= key;
    if (key !== this.first) total.varies = true;
  }

  private addClass(name: string): void {
    const { classes } = this.total;
    const key = classes[name] !== undefined || Object.keys(classes).length < classesMost ? name : otherClass;
    this.total.classes = { ...classes, [key]: (classes[key] ?? 0) + 1 };
  }

  private addValue(value: string | number): void {
    if (typeof value !== 'number') return;
    const { values } = this.total;
    this.total.values = {
      n: values.n + 1,
      sum: values.sum + value,
      sumOfSquares: values.sumOfSquares + value * value,
      min: Math.min(values.min ?? value, value),
      max: Math.max(values.max ?? value, value),
    };
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function added(counts: readonly number[], at: number): number[] {
  const next = [...counts];
  next[at] = (next[at] ?? 0) + 1;
  return next;
}
