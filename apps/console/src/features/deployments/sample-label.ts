import type { Task } from '@slipway/contracts';

/** A label as the task has them: a class or a number; undefined where none can be judged. */
export function exampleLabel(task: Task | null): string | number | undefined {
  if (task === null || task.kind === 'other') return undefined;
  return task.positiveClass ?? task.classes?.[0] ?? 1;
}
