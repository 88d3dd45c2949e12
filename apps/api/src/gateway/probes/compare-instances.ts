import type { ProbeReport } from '@slipway/contracts';
import { type AnswerSpread, answerSpread, type ProbedAnswer, type ReplicaDetail, tolerances } from '@slipway/metrics';

/** What an instance said to an input that all of its revision were asked. */
export interface InstanceAnswer {
  readonly instanceId: string;
  readonly answer: ProbedAnswer;
}

export interface ReplicaComparison {
  readonly spread: AnswerSpread;
  readonly detail: ReplicaDetail;
}

/**
 * Compares the instances of one revision by their answers to one input.
 * @param before what was known from the last time, of this gateway
 * @returns undefined for fewer than two
 */
export function compareInstances(
  answers: readonly InstanceAnswer[],
  before: ReplicaDetail | undefined,
  nowMs: number,
): ReplicaComparison | undefined {
  const spread = answerSpread(answers.map(({ answer }) => answer));
  if (spread === undefined) return undefined;
  if (spread.relative <= tolerances.replica) {
    return { spread, detail: { ...before, atMs: nowMs, agreedInRow: (before?.agreedInRow ?? 0) + 1 } };
  }
  return { spread, detail: { atMs: nowMs, agreedInRow: 0, differedAtMs: nowMs, groups: groupsOf(answers) } };
}

/** Instances that agree with each other, the largest group first. */
function groupsOf(answers: readonly InstanceAnswer[]): string[][] {
  const groups: { readonly first: ProbedAnswer; readonly ids: string[] }[] = [];
  for (const { instanceId, answer } of answers) {
    const own = groups.find(({ first }) => (answerSpread([first, answer])?.relative ?? 0) <= tolerances.replica);
    if (own === undefined) groups.push({ first: answer, ids: [instanceId] });
    else own.ids.push(instanceId);
  }
  return groups.map(({ ids }) => ids).sort((a, b) => b.length - a.length);
}

/** An answer as it came from an instance; what is null there was not finite. */
export function answerOf({ answer }: ProbeReport): ProbedAnswer | undefined {
  return answer === undefined ? undefined : { values: answer.values.map((value) => value ?? Number.NaN), label: answer.label };
}
