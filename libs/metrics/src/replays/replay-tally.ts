import type { ObservedAnswer, Outcome, PairEvidence, Task } from '@slipway/contracts';
import { addPairs, compareAnswers, noPairs } from '../evidence/compare-answers.js';
import { mergeStageEvidence, noEvidence } from '../evidence/merge-evidence.js';
import { ObservedSide } from '../evidence/observed-side.js';
import { addFinding, type BitFinding, type MicrosSum, type ReplayOutcome } from './replay-outcome.js';

/** One side's answer to a request, or its failure. */
export interface TriedAnswer {
  readonly outcome: Outcome;
  /** Of the model's own time, in µs. */
  readonly computeMicros: number | undefined;
  readonly rows: number;
  readonly observed: ObservedAnswer | undefined;
}

/** What came of one request. */
export interface TriedRequest {
  /** What had answered, then or when it was asked again; undefined where neither is known. */
  readonly stable: TriedAnswer | undefined;
  readonly candidate: TriedAnswer;
  /** Beside the answer of the same version; undefined when they were not compared. */
  readonly sameVersion?: BitFinding | 'equal' | undefined;
  /** Stable's answer beside its own of then. */
  readonly stableAgain?: BitFinding | 'equal' | undefined;
}

/** Counts what a replay shows, on top of what earlier claims of it have counted. */
export class ReplayTally {
  private readonly stable = new ObservedSide();
  private readonly candidate = new ObservedSide();
  private pairs: PairEvidence = noPairs;
  private sameVersion: ReplayOutcome['sameVersion'];
  private stableAgain: ReplayOutcome['stableAgain'];
  private compute: ReplayOutcome['compute'];

  constructor(
    private readonly before: ReplayOutcome,
    private readonly by: { readonly task: Task['kind'] | undefined; readonly topK: number },
  ) {
    this.sameVersion = before.sameVersion;
    this.stableAgain = before.stableAgain;
    this.compute = before.compute;
  }

  /** @returns what the two answers to it say, by themselves. */
  add({ stable, candidate, sameVersion, stableAgain }: TriedRequest): PairEvidence {
    const pair = pairOf(stable, candidate, this.by);
    this.pairs = addPairs(this.pairs, pair);
    this.count(this.candidate, candidate);
    if (stable !== undefined) this.count(this.stable, stable);
    if (sameVersion !== undefined) this.sameVersion = addFinding(this.sameVersion, sameVersion === 'equal' ? undefined : sameVersion);
    if (stableAgain !== undefined) this.stableAgain = addFinding(this.stableAgain, stableAgain === 'equal' ? undefined : stableAgain);
    this.compute = { stable: summed(this.compute.stable, stable), candidate: summed(this.compute.candidate, candidate) };
    return pair;
  }

  /** The replayed version's process ended by itself. */
  crashed(): void {
    this.candidate.crashes += 1;
  }

  get outcome(): ReplayOutcome {
    const { before, stable, candidate, pairs, sameVersion, stableAgain, compute } = this;
    const seen = { ...noEvidence(before.evidence.stage), stable: stable.show(), shadow: candidate.show(), pairs };
    return { evidence: mergeStageEvidence(before.evidence, seen), sameVersion, stableAgain, compute };
  }

  /** Nobody waits for an answer, so the model's own time is all the time there is. */
  private count(side: ObservedSide, { outcome, computeMicros, rows, observed }: TriedAnswer): void {
    const computeSeconds = computeMicros === undefined ? undefined : computeMicros / 1e6;
    side.count({ outcome, durationSeconds: computeSeconds ?? 0, computeSeconds, rows, observed, task: this.by.task });
  }
}

const answeredOutcomes: readonly Outcome[] = ['success', 'nan_output', 'out_of_range_output'];

function isAnswered({ outcome }: TriedAnswer): boolean {
  return answeredOutcomes.includes(outcome);
}

function isInvalid({ outcome }: TriedAnswer): boolean {
  return outcome === 'nan_output' || outcome === 'out_of_range_output';
}

function pairOf(stable: TriedAnswer | undefined, candidate: TriedAnswer, by: Parameters<typeof compareAnswers>[2]): PairEvidence {
  if (stable === undefined) return isAnswered(candidate) ? { ...noPairs, requests: 1, incomparable: 1 } : failed('candidate');
  if (!isAnswered(stable) || !isAnswered(candidate)) {
    if (isAnswered(stable)) return failed('candidate');
    return failed(isAnswered(candidate) ? 'stable' : 'both');
  }
  const pair = compareAnswers(stable.observed ?? {}, candidate.observed ?? {}, by);
  const invalid = { stable: isInvalid(stable), candidate: isInvalid(candidate) };
  if (!invalid.stable && !invalid.candidate) return pair;
  const side = invalid.stable && invalid.candidate ? 'both' : invalid.stable ? 'stable' : 'candidate';
  return { ...pair, invalidOn: { ...noPairs.invalidOn, [side]: 1 } };
}

function failed(side: 'stable' | 'candidate' | 'both'): PairEvidence {
  return { ...noPairs, failedOn: { ...noPairs.failedOn, [side]: 1 } };
}

function summed(sum: MicrosSum, answer: TriedAnswer | undefined): MicrosSum {
  if (answer?.computeMicros === undefined) return sum;
  return { n: sum.n + 1, micros: sum.micros + answer.computeMicros };
}
