import type { ObservedAnswer, Task } from '@slipway/contracts';
import { type AnswerSpread, answerSpread, type ProbedAnswer } from '@slipway/metrics';

/**
 * How far two versions lie apart on the first row of one request, from what was observed of both answers for the sake of a rollout or shadow.
 * @returns undefined where they cannot be compared: no task, or nothing readable in one of them
 */
export function versionSpread(
  one: ObservedAnswer | undefined,
  other: ObservedAnswer | undefined,
  task: Task['kind'] | undefined,
): AnswerSpread | undefined {
  const [a, b] = [one?.p?.[0] ?? null, other?.p?.[0] ?? null];
  if (task === undefined || task === 'other' || a === null || b === null) return undefined;
  if (task === 'regression') return typeof a === 'number' && typeof b === 'number' ? answerSpread([{ values: [a] }, { values: [b] }]) : undefined;
  const [scoreOfA, scoreOfB] = [one?.s?.[0] ?? null, other?.s?.[0] ?? null];
  if (scoreOfA === null || scoreOfB === null) return answerSpread([labelled([], a), labelled([], b)]);
  // Of a multiclass answer only the score of its own class is known: each gives the other's class at most what is left.
  const isApart = task === 'multiclass' && String(a) !== String(b);
  return isApart
    ? answerSpread([labelled([scoreOfA, Math.max(0, 1 - scoreOfA)], a), labelled([Math.max(0, 1 - scoreOfB), scoreOfB], b)])
    : answerSpread([labelled([scoreOfA], a), labelled([scoreOfB], b)]);
}

function labelled(values: readonly number[], label: string | number): ProbedAnswer {
  return { values, label };
}
