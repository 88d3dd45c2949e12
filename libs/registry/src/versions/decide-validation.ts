import type { Signature, Task, VersionFootprint } from '@slipway/contracts';
import { keepable } from '../text/keepable.js';
import { checkTask } from './check-task.js';
import type { ReadyFacts } from './version-facts.js';

/** What loading a model in a process of its own has shown. */
export type Inspection =
  | {
      readonly ok: true;
      readonly signature: Signature;
      readonly task: Task;
      readonly footprint: VersionFootprint;
      readonly rowsIndependent?: boolean | undefined;
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly reasons: readonly string[] };

export type ValidationDecision =
  | { readonly kind: 'ready'; readonly facts: ReadyFacts }
  | { readonly kind: 'rejected'; readonly reasons: readonly string[] };

const shownReasons = 50;
const reasonLength = 2_000;

/**
 * READY or REJECTED. A task that the uploader stated is never silently replaced by a guess: one that the model cannot fulfil rejects
 * the version.
 */
export function decideValidation(stated: Task | undefined, seen: Inspection): ValidationDecision {
  if (!seen.ok) return rejected(seen.reasons);
  const problems = stated === undefined ? [] : checkTask(stated, seen.signature);
  if (problems.length > 0) return rejected(problems.map((problem) => `The task given at upload does not fit the model: ${problem}.`));
  const { signature, footprint, rowsIndependent, notes } = seen;
  return { kind: 'ready', facts: { signature, task: stated ?? keepableTask(seen.task), footprint, rowsIndependent, notes: readable(notes) } };
}

function rejected(reasons: readonly string[]): ValidationDecision {
  const shown = readable(reasons);
  return { kind: 'rejected', reasons: shown.length > 0 ? shown : ['The validation gave no reason.'] };
}

/** Texts of the runtime quote the model, which says what it likes. */
function readable(texts: readonly string[]): string[] {
  return texts.slice(0, shownReasons).map((text) => keepable(text.slice(0, reasonLength)));
}

function keepableTask(task: Task): Task {
  if (task.classes === undefined) return task;
  return { ...task, classes: task.classes.map((one) => (typeof one === 'string' ? keepable(one) : one)) };
}
