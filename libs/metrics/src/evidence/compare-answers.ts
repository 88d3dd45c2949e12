import { type ObservedAnswer, observedRowsMax, type PairEvidence, type Task } from '@slipway/contracts';

/** What both answers are compared by. */
export interface Comparison {
  /** Of the deployment's versions; undefined where none is known, and then only equality can be said. */
  readonly task: Task['kind'] | undefined;
  readonly topK: number;
}

/** Nothing compared yet. */
export const noPairs: PairEvidence = Object.freeze({
  requests: 0,
  rows: 0,
  flips: 0,
  byClass: {},
  distance: { n: 0, sum: 0, sumOfSquares: 0, max: 0 },
  topK: { n: 0, sum: 0 },
  failedOn: { stable: 0, candidate: 0, both: 0 },
  invalidOn: { stable: 0, candidate: 0, both: 0 },
  incomparable: 0,
});

/**
 * What two answers to one request say of stable and candidate, as an increment of a `PairEvidence`. Answers of another number of rows, without
 * anything readable, or (without a task) with other outputs count as incomparable.
 *
 * - A row is a flip when the predicted labels differ; a regression has none.
 * - Distance: of a regression |difference of values|; of a classification |difference of scores|. Where the predicted classes of a multiclass
 *   task differ, the two scores are of different classes; the candidate's score of stable's class is then at most 1 − its own best, so the
 *   distance is at least s₁ + s₂ − 1, and that is what counts.
 */
export function compareAnswers(stable: ObservedAnswer, candidate: ObservedAnswer, { task, topK }: Comparison): PairEvidence {
  if (stable.p === undefined || candidate.p === undefined) {
    const isEqual = stable.h !== undefined && stable.h === candidate.h;
    return { ...noPairs, requests: 1, incomparable: isEqual ? 0 : 1 };
  }
  if (stable.p.length !== candidate.p.length) return { ...noPairs, requests: 1, incomparable: 1 };
  const tally = new PairTally();
  const rows = Math.min(stable.p.length, observedRowsMax);
  for (let row = 0; row < rows; row += 1) {
    const labels = [stable.p[row] ?? null, candidate.p[row] ?? null] as const;
    const scores = [stable.s?.[row] ?? null, candidate.s?.[row] ?? null] as const;
    if (task === 'regression') tally.values(labels);
    else tally.labels(labels, scores, task === 'multiclass');
    tally.overlap(stable.k?.[row], candidate.k?.[row], topK);
  }
  return tally.increment();
}

type Label = string | number | null;
type ClassFlips = PairEvidence['byClass'][string];

/** Rows of one pair. */
class PairTally {
  private rows = 0;
  private flips = 0;
  private readonly byClass = new Map<string, ClassFlips>();
  private readonly distance = { n: 0, sum: 0, sumOfSquares: 0, max: 0 };
  private readonly topK = { n: 0, sum: 0 };

  /** Two values of a regression. */
  values([stable, candidate]: readonly [Label, Label]): void {
    if (typeof stable !== 'number' || typeof candidate !== 'number') return;
    this.rows += 1;
    this.addDistance(Math.abs(stable - candidate));
  }

  labels(
    [stable, candidate]: readonly [Label, Label],
    [stableScore, candidateScore]: readonly [number | null, number | null],
    isMulticlass: boolean,
  ): void {
    if (stable === null || candidate === null) return;
    // One version may say 1 where the other says "1": class names are compared as texts.
    const isFlip = String(stable) !== String(candidate);
    this.rows += 1;
    if (isFlip) this.flips += 1;
    const name = String(stable);
    addFlips(this.byClass, name, { rows: 1, flips: isFlip ? 1 : 0 });
    if (stableScore === null || candidateScore === null) return;
    const apart = isFlip && isMulticlass ? Math.max(0, stableScore + candidateScore - 1) : Math.abs(stableScore - candidateScore);
    this.addDistance(apart);
  }

  overlap(stable: readonly (string | number)[] | undefined, candidate: readonly (string | number)[] | undefined, k: number): void {
    if (stable === undefined || candidate === undefined || stable.length < k || candidate.length < k) return;
    const named = new Set(stable.slice(0, k).map(String));
    const shared = candidate.slice(0, k).filter((label) => named.has(String(label))).length;
    this.topK.n += 1;
    this.topK.sum += shared / k;
  }

  increment(): PairEvidence {
    const { rows, flips, byClass, distance, topK } = this;
    return { ...noPairs, requests: 1, rows, flips, byClass: Object.fromEntries(byClass), distance, topK, incomparable: rows === 0 ? 1 : 0 };
  }

  private addDistance(apart: number): void {
    const { distance } = this;
    distance.n += 1;
    distance.sum += apart;
    distance.sumOfSquares += apart * apart;
    distance.max = Math.max(distance.max, apart);
  }
}

/** Classes that are told apart in running totals. */
const classesMost = 64;
export const otherClass = '…other';

/** The sum of two. */
export function addPairs(a: PairEvidence, b: PairEvidence): PairEvidence {
  const byClass = new Map<string, ClassFlips>(Object.entries(a.byClass));
  for (const [name, seen] of Object.entries(b.byClass)) {
    addFlips(byClass, byClass.has(name) || byClass.size < classesMost ? name : otherClass, seen);
  }
  return {
    requests: a.requests + b.requests,
    rows: a.rows + b.rows,
    flips: a.flips + b.flips,
    byClass: Object.fromEntries(byClass),
    distance: {
      n: a.distance.n + b.distance.n,
      sum: a.distance.sum + b.distance.sum,
      sumOfSquares: a.distance.sumOfSquares + b.distance.sumOfSquares,
      max: Math.max(a.distance.max, b.distance.max),
    },
    topK: { n: a.topK.n + b.topK.n, sum: a.topK.sum + b.topK.sum },
    failedOn: addSides(a.failedOn, b.failedOn),
    invalidOn: addSides(a.invalidOn, b.invalidOn),
    incomparable: a.incomparable + b.incomparable,
  };
}

/** In a map: a class may have any name, `constructor` too, which every plain object seems to have. */
function addFlips(byClass: Map<string, ClassFlips>, name: string, { rows, flips }: ClassFlips): void {
  const known = byClass.get(name);
  byClass.set(name, { rows: (known?.rows ?? 0) + rows, flips: (known?.flips ?? 0) + flips });
}

function addSides(a: PairEvidence['failedOn'], b: PairEvidence['failedOn']): PairEvidence['failedOn'] {
  return { stable: a.stable + b.stable, candidate: a.candidate + b.candidate, both: a.both + b.both };
}
