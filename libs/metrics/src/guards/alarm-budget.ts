import type { RolloutPlan } from '@slipway/contracts';

/** Guards that a test of chance decides; memory is measured, so it has no part in the budget. */
const tested = ['errorShare', 'latency', 'refusals', 'invalidOutput', 'disagreement', 'scoreDrift', 'quality'] as const;
export type TestedGuard = (typeof tested)[number];

/**
 * Chance of a false alarm for each guard: the plan's budget in equal parts for those it enforces (Bonferroni, so whatever depends on whatever).
 * A guard that is only watched is judged at the same level and costs the others nothing, since it decides nothing.
 */
export function alarmLevel(plan: RolloutPlan): number {
  const enforced = tested.filter((guard) => plan.guards[guard].mode === 'enforce').length;
  return plan.falseAlarmBudget / Math.max(1, enforced);
}

/**
 * Chance that a candidate that is as bad as the limit passes a guard. It is not divided: a wrong promotion needs a wrong pass of the very guard
 * that should have failed, whatever the others say (intersection–union test, R. Berger, 1982).
 */
export function passLevel(plan: RolloutPlan): number {
  return plan.falseAlarmBudget;
}
