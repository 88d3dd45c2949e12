import type { GuardJudgement } from '@slipway/contracts';
import type { Waiver } from './rollout.js';

/** What the enforced guards say all together. */
export type GuardWord =
  | { readonly kind: 'fail' | 'common_fault'; readonly judgement: GuardJudgement }
  /** More answers are needed; of several guards the one that needs most. */
  | { readonly kind: 'not_enough_evidence'; readonly judgement: GuardJudgement }
  | { readonly kind: 'no_objection' };

export interface Weighing {
  /** What a person has let pass. */
  readonly waived?: readonly Waiver[];
  /** The candidate answers everything: stable gets no live request that it could be compared on. */
  readonly isWhole?: boolean;
}

/**
 * The worst word counts. Guards that are only watched say nothing here, nor do those that a person has let pass. A guard without enough
 * evidence has to be waited for only when it says how many answers it needs: one that cannot get any (no task, no labels so far) has no
 * objection, else it would block for ever. The same goes for one that lacks answers of stable where stable cannot get any.
 */
export function weighJudgements(judgements: readonly GuardJudgement[], { waived = [], isWhole = false }: Weighing = {}): GuardWord {
  const isWaived = ({ guard, outcome }: GuardJudgement) => waived.some((waiver) => waiver.guard === guard && waiver.outcome === outcome);
  const enforced = judgements.filter((judgement) => judgement.mode === 'enforce' && !isWaived(judgement));
  for (const kind of ['fail', 'common_fault'] as const) {
    const judgement = enforced.find(({ outcome }) => outcome === kind);
    if (judgement !== undefined) return { kind, judgement };
  }
  const [neediest] = enforced
    .filter(({ outcome, requestsNeeded }) => outcome === 'not_enough_evidence' && requestsNeeded !== null)
    .filter(({ stable }) => !isWhole || stable.n > 0)
    .toSorted((a, b) => (b.requestsNeeded ?? 0) - (a.requestsNeeded ?? 0));
  return neediest === undefined ? { kind: 'no_objection' } : { kind: 'not_enough_evidence', judgement: neediest };
}
