import { defaultPlans, RolloutPlan, type Strategy } from '@slipway/contracts';

/** What a person chose in the dialog. */
export interface PlanChoice {
  /** A strategy, or `plan:` and the name of a plan. */
  readonly how: string;
  readonly replayFirst: boolean;
  readonly shadowFirst: boolean;
  /** A person has to say so before each step. */
  readonly approvals: boolean;
}

export const plainChoice: PlanChoice = { how: 'all-at-once', replayFirst: false, shadowFirst: false, approvals: false };

/** The strategy that was chosen, or undefined where a named plan was. */
export function strategyOf(choice: PlanChoice): Strategy | undefined {
  return choice.how.startsWith('plan:') ? undefined : (choice.how as Strategy);
}

/** The plan that a choice means; undefined for a named plan, which the API knows better. */
export function planOf(choice: PlanChoice): RolloutPlan | undefined {
  const strategy = strategyOf(choice);
  if (strategy === undefined) return undefined;
  const base = RolloutPlan.parse(defaultPlans[strategy]);
  const before: RolloutPlan['stages'] = [];
  if (choice.replayFirst) before.push({ kind: 'replay', requests: 200, maxAgeSeconds: 86_400, withoutRequests: 'hold', approval: false });
  if (choice.shadowFirst && strategy !== 'shadow')
    before.push({
      kind: 'shadow',
      samplePercent: 100,
      minDurationSeconds: 60,
      minRequests: 200,
      maxDurationSeconds: 86_400,
      approval: choice.approvals,
    });
  const stages = base.stages.map((stage) => ({ ...stage, approval: choice.approvals }));
  return { ...base, stages: [...before, ...stages] };
}

/** What goes into the request beside version and reason. */
export function planFields(choice: PlanChoice): { readonly strategy?: Strategy; readonly plan?: string | RolloutPlan } {
  const strategy = strategyOf(choice);
  if (strategy === undefined) return { plan: choice.how.slice('plan:'.length) };
  const isPlain = !choice.replayFirst && !choice.shadowFirst && !choice.approvals;
  const plan = planOf(choice);
  return isPlain || plan === undefined ? { strategy } : { plan };
}
