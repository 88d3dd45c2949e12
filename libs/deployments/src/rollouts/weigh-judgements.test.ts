import { describe, expect, it } from 'vitest';
import { judgement } from '../testing/judgement.js';
import { weighJudgements } from './weigh-judgements.js';

describe('weighJudgements', () => {
  it.each([
    { name: 'has no objection without guards', judgements: [], kind: 'no_objection' },
    { name: 'has none when all pass', judgements: [judgement('pass'), judgement('pass')], kind: 'no_objection' },
    {
      name: 'takes a fail before everything else',
      judgements: [judgement('common_fault'), judgement('not_enough_evidence'), judgement('fail')],
      kind: 'fail',
    },
    {
      name: 'takes a common fault before missing evidence',
      judgements: [judgement('not_enough_evidence'), judgement('common_fault')],
      kind: 'common_fault',
    },
    { name: 'does not hear guards that are only watched', judgements: [judgement('fail', { mode: 'watch' })], kind: 'no_objection' },
    {
      name: 'does not wait for a guard that cannot get evidence',
      judgements: [judgement('not_enough_evidence', { guard: 'quality', requestsNeeded: null })],
      kind: 'no_objection',
    },
  ])('$name', ({ judgements, kind }) => {
    expect(weighJudgements(judgements).kind).toBe(kind);
  });

  it('names the guard that needs most', () => {
    const word = weighJudgements([
      judgement('not_enough_evidence', { guard: 'a', requestsNeeded: 5 }),
      judgement('not_enough_evidence', { guard: 'b', requestsNeeded: 500 }),
    ]);
    expect(word).toMatchObject({ judgement: { guard: 'b' } });
  });

  it('lets pass what a person has let pass, and nothing else of that guard', () => {
    const waived = [{ guard: 'error-share', outcome: 'common_fault' as const }];
    expect(weighJudgements([judgement('common_fault')], { waived }).kind).toBe('no_objection');
    expect(weighJudgements([judgement('fail')], { waived }).kind).toBe('fail');
  });

  it('does not wait for answers of stable where stable gets no requests', () => {
    const unseen = judgement('not_enough_evidence', { guard: 'latency-p99', stable: { n: 0, value: null } });
    expect(weighJudgements([unseen]).kind).toBe('not_enough_evidence');
    expect(weighJudgements([unseen], { isWhole: true }).kind).toBe('no_objection');
    expect(weighJudgements([judgement('not_enough_evidence')], { isWhole: true }).kind).toBe('not_enough_evidence');
  });
});
