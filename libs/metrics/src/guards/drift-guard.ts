import type { GuardJudgement, GuardOutcome, SideEvidence, StageEvidence } from '@slipway/contracts';
import { countOfClass } from '../evidence/merge-evidence.js';
import { alarmLevel } from './alarm-budget.js';
import type { GuardInput } from './guard-input.js';
import { count, type GuardTest, verdictOf } from './guard-test.js';
import type { RolloutCourse } from './rollout-course.js';

/** Scores come in 50 bins; five of them make one here. */
const binsPerScoreBin = 5;
/** Fewer rows per bin than this are noise (`monitoring.md` 7). */
const rowsPerBin = 20;

interface Distributions {
  readonly candidate: readonly number[];
  readonly stable: readonly number[];
  readonly of: 'scores' | 'predicted classes';
}

/**
 * How far the distribution of scores (without scores: of predicted classes) lies from stable's in the present stage. Two keys: the distance,
 * corrected for noise, is above the limit, and the difference is no chance.
 */
export function scoreDriftTest(input: GuardInput, course: RolloutCourse): GuardTest | undefined {
  const { mode, maxPsi } = input.plan.guards.scoreDrift;
  if (mode === 'off' || input.task === undefined || input.task.kind === 'regression' || !hasDistribution(course.present)) return undefined;
  const bar = Math.log(course.planned / alarmLevel(input.plan));
  const seen = () => driftOf(course.present, { maxPsi, bar });
  return { guard: 'score-drift', mode, fails: () => seen().outcome === 'fail', judge: () => judge(seen(), mode, maxPsi) };
}

interface Drift {
  readonly of: Distributions['of'];
  readonly n: number;
  readonly m: number;
  readonly psi: number | null;
  readonly noise: number;
  /** Rows that each side needs for a pass. */
  readonly fewest: number;
  readonly outcome: GuardOutcome;
}

function driftOf(present: StageEvidence | undefined, { maxPsi, bar }: { maxPsi: number; bar: number }): Drift {
  const { candidate, stable, of } = distributionsOf(present);
  const [n, m] = [total(candidate), total(stable)];
  const fewest = rowsPerBin * candidate.length;
  if (n === 0 || m === 0) return { of, n, m, psi: null, noise: 0, fewest, outcome: 'not_enough_evidence' };
  const psi = populationStabilityIndex(candidate, stable);
  const noise = (candidate.length - 1) * (1 / n + 1 / m);
  const drift = { of, n, m, psi, noise, fewest };
  if (psi - noise > maxPsi && evidenceOfOtherDistribution(candidate, stable) >= bar) return { ...drift, outcome: 'fail' };
  // Noise only ever adds to the index: uncorrected within the limit is within it.
  return { ...drift, outcome: psi <= maxPsi && n >= fewest && m >= fewest ? 'pass' : 'not_enough_evidence' };
}

function judge({ of, n, m, psi, noise, fewest, outcome }: Drift, mode: GuardTest['mode'], maxPsi: number): GuardJudgement {
  const value = psi === null ? null : Math.max(0, psi - noise);
  const shown = value === null ? 'not known yet' : `${Number(value.toPrecision(2))} (PSI, corrected for noise)`;
  const said = `the distance of the distributions of ${of} is ${shown} on ${count(n)} rows of the candidate and ${count(m)} of stable; the limit is ${maxPsi}`;
  return {
    guard: 'score-drift',
    mode,
    outcome,
    verdict: verdictOf(outcome),
    unit: 'psi',
    value,
    interval: null,
    n,
    threshold: maxPsi,
    candidate: { n, value: null },
    stable: { n: m, value: null },
    smallestVisible: psi === null ? null : maxPsi + noise,
    requestsNeeded: outcome === 'not_enough_evidence' ? Math.max(1, Math.ceil(fewest - n)) : 0,
    reason: outcome === 'not_enough_evidence' ? `Not enough evidence: ${said}.` : `${said.charAt(0).toUpperCase()}${said.slice(1)}.`,
  };
}

/**
 * Σ (q − p)·ln(q/p) with half a row added to every bin of both sides (`monitoring.md` 6.1). Without drift its mean is about (B − 1)(1/n + 1/m)
 * (B. Yurdakul, 2018).
 */
export function populationStabilityIndex(window: readonly number[], reference: readonly number[]): number {
  const pseudo = 0.5;
  const [n, m] = [total(window) + pseudo * window.length, total(reference) + pseudo * reference.length];
  return window.reduce((sum, rows, bin) => {
    const q = (rows + pseudo) / n;
    const p = ((reference[bin] ?? 0) + pseudo) / m;
    return sum + (q - p) * Math.log(q / p);
  }, 0);
}

/**
 * Log evidence that both sides do not share one distribution over bins: each side's Dirichlet(½) mixture likelihood over the largest likelihood
 * with shares in common (universal inference; Wasserman, Ramdas and Balakrishnan, PNAS 2020). Valid at every moment, by Ville's inequality.
 */
export function evidenceOfOtherDistribution(one: readonly number[], other: readonly number[]): number {
  const n = total(one) + total(other);
  const common = one.reduce((sum, rows, bin) => {
    const both = rows + (other[bin] ?? 0);
    return both === 0 ? sum : sum + both * Math.log(both / n);
  }, 0);
  return mixtureLikelihood(one) + mixtureLikelihood(other) - common;
}

function mixtureLikelihood(counts: readonly number[]): number {
  const prior = 0.5;
  const constant = logGamma(prior * counts.length) - logGamma(total(counts) + prior * counts.length);
  return counts.reduce((sum, rows) => sum + logGamma(rows + prior) - logGamma(prior), constant);
}

/** log Γ(x) for x > 0: Stirling's series after shifting x above 10; absolute error below 1e-10. */
export function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at += 1) shift -= Math.log(at);
  const inverse = 1 / (at * at);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / at;
  return shift + (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series;
}

function hasDistribution(present: StageEvidence | undefined): boolean {
  if (present === undefined) return false;
  return total(present.stable.scores) > 0 || Object.keys(present.stable.classes).length > 1;
}

function distributionsOf(present: StageEvidence | undefined): Distributions {
  if (present === undefined) return { candidate: [], stable: [], of: 'scores' };
  const { stable, candidate: live, shadow } = present;
  const candidate = live.requests > 0 ? live : shadow;
  if (total(stable.scores) > 0)
    return { candidate: perRequest(candidate, scoreBins(candidate)), stable: perRequest(stable, scoreBins(stable)), of: 'scores' };
  const names = [...new Set([...Object.keys(candidate.classes), ...Object.keys(stable.classes)])].sort();
  const byName = (side: SideEvidence) => names.map((name) => countOfClass(side.classes, name));
  return { candidate: perRequest(candidate, byName(candidate)), stable: perRequest(stable, byName(stable)), of: 'predicted classes' };
}

function scoreBins({ scores }: SideEvidence): number[] {
  return Array.from({ length: Math.ceil(scores.length / binsPerScoreBin) }, (_, bin) =>
    total(scores.slice(bin * binsPerScoreBin, (bin + 1) * binsPerScoreBin)),
  );
}

/** Rows of one request may be alike and count as one. */
function perRequest({ rows, requests }: SideEvidence, counts: readonly number[]): number[] {
  const rowsPerRequest = Math.max(1, rows / Math.max(1, requests));
  return counts.map((value) => value / rowsPerRequest);
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, value) => sum + value, 0);
}
