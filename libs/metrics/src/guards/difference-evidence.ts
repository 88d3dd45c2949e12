import { evidenceAbove, evidenceBelow, logSumExp, type Proportion } from './proportion-evidence.js';

/** Both sides of a comparison. */
export interface Sides {
  readonly candidate: Proportion;
  readonly stable: Proportion;
  /** Observations whose mean is known to be at least stable's: they too can show that stable's is small. */
  readonly stableAtMost?: Proportion;
  /** False where one request counts on both sides: then evidence of both may be averaged, but not multiplied. */
  readonly independent: boolean;
}

type Evidence = (seen: Proportion, limit: number) => number;

/**
 * Log evidence that the candidate's mean exceeds stable's by **more** than `margin`.
 *
 * For each value p that stable's mean may have, "candidate ≤ p + margin" is tested by the candidate's observations and "stable ≥ … p" by stable's.
 * Evidence of either, their average, and (for independent streams) their product are supermartingales under (p, p + margin); so is a fixed
 * mixture of the three. The smallest over all p is below the one at the true p, hence valid for the whole hypothesis (the argument of universal
 * inference: Wasserman, Ramdas and Balakrishnan, PNAS 2020; safe tests of two streams: Turner, Ly and Grünwald, 2024). Numbers of requests and
 * weights may change in any way that does not look ahead. The product is strong at equal traffic, the average at 1 % against 99 %.
 */
export function evidenceOfExcess(sides: Sides, margin: number): number {
  const { candidate, stable } = sides;
  if (candidate.n === 0 || stable.n === 0) return 0;
  const { stableAtMost } = sides;
  if (stableAtMost === undefined || stableAtMost.n <= stable.n) return leastOverStable(sides, margin, evidenceAbove, evidenceBelow);
  // The mean of two supermartingales is one.
  const ofStable: Evidence = (seen, limit) => logSumExp([evidenceBelow(seen, limit), evidenceBelow(stableAtMost, limit)]) - Math.LN2;
  return leastOverStable(sides, margin, evidenceAbove, ofStable);
}

/** At least `evidenceOfExcess`, for a twentieth of the work: the evidence at stable's mean as observed instead of the smallest. */
export function mostEvidenceOfExcess({ candidate, stable }: Sides, margin: number): number {
  if (candidate.n === 0 || stable.n === 0) return 0;
  const share = stable.hits / stable.n;
  // Against its own mean stable's observations are no evidence: each term of theirs is at most 1.
  return share + margin >= 1 ? 0 : Math.max(0, evidenceAbove(candidate, share + margin));
}

/** Log evidence that the candidate's mean exceeds stable's by **less** than `margin`. */
export function evidenceOfNoExcess(sides: Sides, margin: number): number {
  const { candidate, stable } = sides;
  if (candidate.n === 0 || stable.n === 0) return 0;
  return leastOverStable(sides, margin, evidenceBelow, evidenceAbove);
}

// Shares of candidate alone, stable alone, both together.
const independentWeights = [0.4, 0.1, 0.5].map(Math.log);
const dependentWeights = [0.8, 0.2].map(Math.log);
const goldenRatio = (Math.sqrt(5) - 1) / 2;
/** Narrows the search to 1/15 000 of a range that is itself about ten standard errors wide. */
const searchSteps = 20;

/** Each term is log-convex in p and so is their sum: a golden-section search finds the smallest. */
function leastOverStable({ candidate, stable, stableAtMost, independent }: Sides, margin: number, ofCandidate: Evidence, ofStable: Evidence): number {
  const at = (p: number): number => {
    const one = ofCandidate(candidate, Math.min(1, Math.max(0, p + margin)));
    const other = ofStable(stable, p);
    const [w1, w2, w3] = independent ? independentWeights : dependentWeights;
    const terms = [one + (w1 ?? 0), other + (w2 ?? 0)];
    if (w3 !== undefined) terms.push(one + other + w3);
    return logSumExp(terms);
  };
  let [low, high] = plausible(stable, Math.max(0, -margin), Math.min(1, 1 - margin));
  if (ofStable !== evidenceAbove && stableAtMost !== undefined) high = Math.max(low, Math.min(high, plausible(stableAtMost, low, high)[1]));
  let inner = high - goldenRatio * (high - low);
  let outer = low + goldenRatio * (high - low);
  let atInner = at(inner);
  let atOuter = at(outer);
  for (let step = 0; step < searchSteps; step += 1) {
    if (atInner < atOuter) {
      high = outer;
      outer = inner;
      atOuter = atInner;
      inner = high - goldenRatio * (high - low);
      atInner = at(inner);
    } else {
      low = inner;
      inner = outer;
      atInner = atOuter;
      outer = low + goldenRatio * (high - low);
      atOuter = at(outer);
    }
  }
  return Math.min(atInner, atOuter, at(low), at(high));
}

/** Means of stable beyond which its own observations alone are evidence of more than e³⁰: no decision needs to look there. */
function plausible({ n, hits }: Proportion, from: number, to: number): [number, number] {
  const share = hits / n;
  const reach = 10 * Math.sqrt((share * (1 - share)) / n) + 60 / n;
  const low = Math.min(Math.max(from, share - reach), to);
  return [low, Math.max(low, Math.min(to, share + reach))];
}
