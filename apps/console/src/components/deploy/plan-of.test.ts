import { RolloutPlan, strategies } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { plainChoice, planFields, planOf } from './plan-of';

describe('planOf', () => {
  it.each(strategies.flatMap((how) => [false, true].map((more) => ({ how, more }))))(
    'gives a plan that the API takes: $how, $more',
    ({ how, more }) => {
      const plan = planOf({ how, replayFirst: more, shadowFirst: more, approvals: more });
      expect(RolloutPlan.safeParse(plan).error?.issues).toBeUndefined();
    },
  );

  it('puts replay and shadow before the first step', () => {
    const plan = planOf({ how: 'canary', replayFirst: true, shadowFirst: true, approvals: false });
    expect(plan?.stages.map((stage) => stage.kind)).toEqual(['replay', 'shadow', 'step', 'step', 'step']);
  });
});

describe('planFields', () => {
  it('names the strategy alone where nothing else was said', () => {
    expect(planFields({ ...plainChoice, how: 'canary' })).toEqual({ strategy: 'canary' });
  });

  it('names a plan of the project', () => {
    expect(planFields({ ...plainChoice, how: 'plan:careful' })).toEqual({ plan: 'careful' });
  });

  it('spells the plan out where more was said', () => {
    expect(planFields({ ...plainChoice, how: 'canary', approvals: true }).plan).toMatchObject({ strategy: 'canary' });
  });
});
