import {
  type BitDifference,
  type BitEquality,
  bitDifferences,
  callerOutcomes,
  type ReplayView,
  type SideEvidence,
  type StageEvidence,
} from '@slipway/contracts';
import { noEvidence } from '../evidence/merge-evidence.js';
import { latencyQuantile } from '../windows/latency-buckets.js';

/** What a replay has shown so far: the evidence that guards judge, and what else people want to know. Sums and extremes alone. */
export interface ReplayOutcome {
  /** `shadow` is the replayed version, `stable` whatever had answered; nobody waits, so `candidate` stays empty. */
  readonly evidence: StageEvidence;
  readonly sameVersion: BitEquality;
  readonly stableAgain: BitEquality;
  /** The model's own time, summed up in µs over answers. */
  readonly compute: { readonly stable: MicrosSum; readonly candidate: MicrosSum };
}

export interface MicrosSum {
  readonly n: number;
  readonly micros: number;
}

const nothingCompared: BitEquality = { compared: 0, equal: 0, differing: {}, maxRelativeDifference: null };

/** @param stage of the rollout; 0 without one. */
export function emptyOutcome(stage: number): ReplayOutcome {
  return {
    evidence: noEvidence(stage),
    sameVersion: nothingCompared,
    stableAgain: nothingCompared,
    compute: { stable: { n: 0, micros: 0 }, candidate: { n: 0, micros: 0 } },
  };
}

/** How two answers of one version differ; undefined when they are equal. */
export interface BitFinding {
  readonly reason: BitDifference;
  readonly relative: number;
}

export function addFinding(equality: BitEquality, finding: BitFinding | undefined): BitEquality {
  const compared = equality.compared + 1;
  if (finding === undefined) return { ...equality, compared, equal: equality.equal + 1 };
  const { reason, relative } = finding;
  return {
    ...equality,
    compared,
    differing: { ...equality.differing, [reason]: (equality.differing[reason] ?? 0) + 1 },
    maxRelativeDifference: Math.max(equality.maxRelativeDifference ?? 0, relative),
  };
}

/** The part of the view that follows from what was seen. */
export function describeOutcome(
  { evidence, sameVersion, stableAgain, compute }: ReplayOutcome,
  version: number,
): Pick<ReplayView, 'stable' | 'candidate' | 'pairs' | 'sameVersion' | 'stableAgain' | 'summary'> {
  const { pairs } = evidence;
  const { distance, topK } = pairs;
  return {
    stable: sideView(evidence.stable, compute.stable),
    candidate: sideView(evidence.shadow, compute.candidate),
    pairs: {
      requests: pairs.requests,
      rows: pairs.rows,
      flips: pairs.flips,
      flipShare: pairs.rows === 0 ? null : pairs.flips / pairs.rows,
      meanDistance: distance.n === 0 ? null : distance.sum / distance.n,
      maxDistance: distance.max,
      topKOverlap: topK.n === 0 ? null : topK.sum / topK.n,
      incomparable: pairs.incomparable,
      byClass: { ...pairs.byClass },
    },
    sameVersion,
    stableAgain,
    summary: summaryOf(evidence, sameVersion, version),
  };
}

function sideView(side: SideEvidence, { n, micros }: MicrosSum): ReplayView['stable'] {
  const answered = (side.outcomes.success ?? 0) + (side.outcomes.nan_output ?? 0) + (side.outcomes.out_of_range_output ?? 0);
  const excused = callerOutcomes.reduce((sum, outcome) => sum + (side.outcomes[outcome] ?? 0), 0);
  const quantile = (q: number) => {
    const seconds = latencyQuantile(side.compute, q);
    return seconds === null ? null : seconds * 1e3;
  };
  return {
    requests: side.requests,
    errors: side.requests - answered - excused,
    invalidOutputs: side.invalidOutputs,
    compute: { meanMs: n === 0 ? null : micros / n / 1e3, p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) },
  };
}

const wordsOf: Readonly<Record<BitDifference, string>> = {
  random: 'the model answers differently each time',
  joined: 'it had run together with other requests',
  provider: 'it had run on other hardware',
  rounding: 'rounding',
  unexplained: 'no reason found',
};

function summaryOf({ shadow, pairs }: StageEvidence, same: BitEquality, version: number): string {
  if (shadow.requests === 0) return 'Nothing has been replayed yet.';
  const sentences: string[] = [];
  if (same.compared > 0) {
    const reasons = bitDifferences.flatMap((reason) =>
      same.differing[reason] === undefined ? [] : [`${same.differing[reason]}: ${wordsOf[reason]}`],
    );
    sentences.push(
      same.equal === same.compared
        ? `All ${same.compared} answers that version ${version} had given are equal, bit by bit.`
        : `${same.equal} of ${same.compared} answers that version ${version} had given are equal, bit by bit; others are not (${reasons.join('; ')}).`,
    );
  }
  const { rows, flips, distance } = pairs;
  if (flips > 0) sentences.push(`Version ${version} predicts another label on ${flips} of ${rows} rows (${percent(flips / rows)}).`);
  else if (rows > 0 && distance.max > 0)
    sentences.push(`No label changes on ${rows} rows; the mean distance is ${(distance.sum / distance.n).toPrecision(3)}.`);
  else if (rows > 0 && same.compared === 0) sentences.push(`Nothing changes on ${rows} rows.`);
  if (pairs.failedOn.candidate > 0) sentences.push(`It fails on ${pairs.failedOn.candidate} of ${shadow.requests} requests.`);
  if (shadow.invalidOutputs > 0) sentences.push(`${shadow.invalidOutputs} of its answers are invalid.`);
  if (sentences.length === 0) sentences.push(`${shadow.requests} requests were replayed; nothing could be compared.`);
  return sentences.join(' ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
