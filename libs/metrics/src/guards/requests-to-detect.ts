import { evidenceOfExcess } from './difference-evidence.js';

export interface Detection {
  /** Shares (0–1) that each side really has. */
  readonly stable: number;
  readonly candidate: number;
  /** Increase that is allowed. */
  readonly limit: number;
  /** Chance of a false alarm that the guard may have. */
  readonly alarmLevel: number;
  /** The candidate's share of the traffic. */
  readonly weight: number;
  /** Stages of the plan; 1 when unstated. */
  readonly planned?: number;
}

/**
 * Answers of the candidate within which an increase is found in at least 95 of 100 rollouts: the smallest n at which the test fails although the
 * candidate had fewer bad answers than expected and stable more, such that their difference is 1.96 standard errors below what it is. Undefined: not within ten million.
 */
export function requestsToDetect({ stable, candidate, limit, alarmLevel, weight, planned = 1 }: Detection): number | undefined {
  const bar = Math.log(planned / alarmLevel);
  const finds = (n: number): boolean => {
    const stableN = (n * (1 - weight)) / weight;
    const [spread, stableSpread] = [(candidate * (1 - candidate)) / n, (stable * (1 - stable)) / stableN];
    const deviation = deviations / Math.sqrt(spread + stableSpread);
    const hits = n * (candidate - deviation * spread);
    const stableHits = Math.min(stableN, stableN * (stable + deviation * stableSpread));
    if (hits / n <= stableHits / stableN + limit) return false;
    return evidenceOfExcess({ candidate: { n, hits }, stable: { n: stableN, hits: stableHits }, independent: true }, limit) >= bar;
  };
  let n = 1;
  while (!finds(n)) {
    n *= 2;
    if (n > 10_000_000) return undefined;
  }
  let below = n / 2;
  while (n - below > 1) {
    const middle = Math.ceil((n + below) / 2);
    if (middle === n) break;
    if (finds(middle)) n = middle;
    else below = middle;
  }
  return n;
}
const deviations = 1.96;
