import type { HookWord } from '@slipway/deployments';

/** What one hook said, or what its plan says in its place. */
export interface SpokenWord {
  readonly receiver: string;
  readonly decision: 'go' | 'hold' | 'abort';
  readonly reason: string | undefined;
  /** Why it could not be asked. */
  readonly failure?: string;
}

const heaviest = ['abort', 'hold'] as const;

/** The worst word of all hooks counts. */
export function weighWords(words: readonly SpokenWord[]): Exclude<HookWord, { kind: 'wait' }> {
  for (const kind of heaviest) {
    const word = words.find(({ decision }) => decision === kind);
    if (word !== undefined) return { kind, reason: sentenceOf(word) };
  }
  return { kind: 'go' };
}

/** For people, in the rollout's walk. */
export function sentenceOf({ receiver, decision, reason, failure }: SpokenWord): string {
  if (failure !== undefined) return `the hook "${receiver}" could not be asked, which the plan takes for "${decision}": ${failure}`;
  return `the hook "${receiver}" says ${decision}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
}
