import { callerOutcomes, type Outcome, outcomes } from '@slipway/contracts';

/** Errors and valid requests: what the caller did wrong or took back counts in neither (`monitoring.md` 6.13). */
export function errorShare(counts: Readonly<Partial<Record<Outcome, number>>>): { errors: number; valid: number } {
  let errors = 0;
  let valid = 0;
  for (const outcome of outcomes) {
    const count = counts[outcome] ?? 0;
    if (callerOutcomes.includes(outcome)) continue;
    valid += count;
    if (outcome !== 'success') errors += count;
  }
  return { errors, valid };
}
