/** A pair of windows that judges how fast an error budget is spent. */
export interface BurnWindow {
  readonly severity: 'page' | 'ticket';
  /** Share of the period's budget that is spent when the long window reaches the factor. */
  readonly budgetShare: number;
  readonly longSeconds: number;
  readonly shortSeconds: number;
  /** Burn rate from which it fires: 1 spends the budget exactly in the period. */
  readonly factor: number;
}

const minute = 60;
const hour = 3_600;
const day = 86_400;

/** Windows and shares of the Google SRE workbook ("Alerting on SLOs"), as in `slok/sloth`. */
const pairs = [
  { severity: 'page', budgetShare: 0.02, longSeconds: hour, shortSeconds: 5 * minute },
  { severity: 'page', budgetShare: 0.05, longSeconds: 6 * hour, shortSeconds: 30 * minute },
  { severity: 'ticket', budgetShare: 0.1, longSeconds: day, shortSeconds: 2 * hour },
  { severity: 'ticket', budgetShare: 0.1, longSeconds: 3 * day, shortSeconds: 6 * hour },
] as const;

/**
 * The pairs for a period, with factor = share × period / long window (`monitoring.md` 6.13): 14.4, 6, 3 and 1 for 30 days. Pairs whose factor
 * would be below 1 are left out: what burns that slowly leaves budget over.
 */
export function burnWindows(periodDays: number): BurnWindow[] {
  return pairs
    .map((pair) => ({ ...pair, factor: roundFactor((pair.budgetShare * periodDays * day) / pair.longSeconds) }))
    .filter(({ factor }) => factor >= 1);
}

/**
 * The target from which every pair can fire: at 100 % errors the burn rate is 1/(1 − target), and it must be above the largest factor.
 * For 30 days 1 − 1/14.4 ≈ 93.1 %.
 */
export function leastTarget(periodDays: number): number {
  return 1 - 1 / Math.max(...burnWindows(periodDays).map(({ factor }) => factor));
}

/** How long errors of a ratio must last until a pair fires, in seconds, when there were none before and traffic is even. */
export function secondsToFire(window: BurnWindow, target: number, errorRatio: number): number {
  return (window.longSeconds * window.factor * (1 - target)) / errorRatio;
}

/** 0.02 × 30 days / 1 h is 14.4 and not 14.399999999999999. */
function roundFactor(factor: number): number {
  return Number(factor.toPrecision(12));
}
