import type { GuardJudgement } from '@slipway/contracts';

/** A judgement with just what the test is about. */
export function judgement(outcome: GuardJudgement['outcome'], given: Partial<GuardJudgement> = {}): GuardJudgement {
  return {
    guard: 'error-share',
    mode: 'enforce',
    outcome,
    unit: 'share',
    value: 0.01,
    interval: null,
    n: 100,
    threshold: 0.005,
    verdict: outcome === 'pass' ? 'ok' : outcome === 'fail' ? 'alarm' : 'insufficient',
    reason: `error share: ${outcome}`,
    candidate: { n: 100, value: 0.01 },
    stable: { n: 1000, value: 0 },
    smallestVisible: null,
    requestsNeeded: outcome === 'not_enough_evidence' ? 50 : 0,
    ...given,
  };
}
