import { type Outcome, outcomes, type SideEvidence, type StageEvidence } from '@slipway/contracts';
import { latencyBucketCount } from '../windows/latency-buckets.js';
import { addPairs, noPairs, otherClass } from './compare-answers.js';

/** Equal bins of scores between 0 and 1. */
export const scoreBins = 50;
/** Predicted classes that are told apart. */
export const sideClassesMost = 64;

/** A side that nothing was seen of. */
export function noSide(): SideEvidence {
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

/** A stage that nothing was seen of. */
export function noEvidence(stage: number): StageEvidence {
  return { stage, stable: noSide(), candidate: noSide(), shadow: noSide(), pairs: noPairs };
}

/** The sum of what two sources have seen of one stage. */
export function mergeStageEvidence(a: StageEvidence, b: StageEvidence): StageEvidence {
  return {
    stage: a.stage,
    stable: mergeSides(a.stable, b.stable),
    candidate: mergeSides(a.candidate, b.candidate),
    shadow: mergeSides(a.shadow, b.shadow),
    pairs: addPairs(a.pairs, b.pairs),
  };
}

function mergeSides(a: SideEvidence, b: SideEvidence): SideEvidence {
  const classes = addClasses(a.classes, b.classes);
  const values = {
    n: a.values.n + b.values.n,
    sum: a.values.sum + b.values.sum,
    sumOfSquares: a.values.sumOfSquares + b.values.sumOfSquares,
    min: pick(a.values.min, b.values.min, Math.min),
    max: pick(a.values.max, b.values.max, Math.max),
  };
  return {
    requests: a.requests + b.requests,
    outcomes: addOutcomes(a.outcomes, b.outcomes),
    duration: addBuckets(a.duration, b.duration),
    compute: addBuckets(a.compute, b.compute),
    rows: a.rows + b.rows,
    invalidOutputs: a.invalidOutputs + b.invalidOutputs,
    classes,
    scores: addBuckets(a.scores, b.scores),
    values,
    // Each source may have seen one and the same answer only, and yet another one than its neighbour.
    varies: a.varies || b.varies || Object.keys(classes).length > 1 || values.min !== values.max,
    crashes: a.crashes + b.crashes,
  };
}

function addOutcomes(a: SideEvidence['outcomes'], b: SideEvidence['outcomes']): SideEvidence['outcomes'] {
  const sum: Partial<Record<Outcome, number>> = {};
  for (const outcome of outcomes) {
    const count = (a[outcome] ?? 0) + (b[outcome] ?? 0);
    if (count > 0) sum[outcome] = count;
  }
  return sum;
}

/** In alphabetical order, so that which classes are left over does not depend on who is added to whom; the rest counts as "…other". */
function addClasses(a: SideEvidence['classes'], b: SideEvidence['classes']): Record<string, number> {
  const sum = new Map<string, number>();
  for (const name of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    const key = sum.size < sideClassesMost ? name : otherClass;
    sum.set(key, (sum.get(key) ?? 0) + countOfClass(a, name) + countOfClass(b, name));
  }
  return Object.fromEntries(sum);
}

/** A class may have any name, `constructor` too, which every plain object seems to have. */
export function countOfClass(classes: SideEvidence['classes'], name: string): number {
  return Object.hasOwn(classes, name) ? (classes[name] ?? 0) : 0;
}

function addBuckets(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => (a[at] ?? 0) + (b[at] ?? 0));
}

function pick(a: number | null, b: number | null, choose: (a: number, b: number) => number): number | null {
  if (a === null || b === null) return a ?? b;
  return choose(a, b);
}
