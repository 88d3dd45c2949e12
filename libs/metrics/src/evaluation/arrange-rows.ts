import { limits, SlipwayError, type Task } from '@slipway/contracts';
import type { ClassifierTask } from './classifier-statistics.js';
import { numberOf } from './label-cell.js';
import type { ClassifiedRows, RegressedRows, Scores } from './labelled-rows.js';

/** Rows as they were read and answered, in the order of the file. */
export interface AnsweredRows {
  readonly labels: readonly string[];
  /** Null where there was no answer. */
  readonly predictions: readonly (string | number | null)[];
  /** NaN where there was no answer; undefined when the version gives no scores. */
  readonly scores?: Scores | undefined;
}

export type ArrangedRows =
  | { readonly kind: 'classifier'; readonly rows: ClassifiedRows; readonly task: ClassifierTask }
  | { readonly kind: 'regressor'; readonly rows: RegressedRows };

/**
 * Makes comparable what a file and a model say. Classes: those of the version's task, else as many as it scores, and then every other label of
 * the set, so that a class that the version does not know counts as missed instead of being left out.
 * @throws SlipwayError DATASET_REFUSED when labels are no numbers although the version predicts numbers, or are of too many classes;
 * TASK_UNKNOWN when the task says neither.
 */
export function arrangeRows(task: Task, answered: AnsweredRows): ArrangedRows {
  if (task.kind === 'regression') return { kind: 'regressor', rows: arrangeNumbers(answered) };
  if (task.kind === 'other')
    throw new SlipwayError(
      'TASK_UNKNOWN',
      'the version does not say what its answers mean; state its task (PATCH …/versions/{n}) and evaluate again',
    );
  return { kind: 'classifier', ...arrangeClasses(task, answered) };
}

function arrangeNumbers({ labels, predictions }: AnsweredRows): RegressedRows {
  const truth = Float64Array.from(labels, (label) => numberOf(label) ?? Number.NaN);
  const wrong = truth.findIndex((value) => Number.isNaN(value));
  if (wrong !== -1)
    throw new SlipwayError(
      'DATASET_REFUSED',
      `the version predicts numbers, so labels have to be numbers; given ${JSON.stringify((labels[wrong] ?? '').slice(0, 60))}`,
    );
  return { truth, predicted: Float64Array.from(predictions, (value) => (value === null ? Number.NaN : (numberOf(String(value)) ?? Number.NaN))) };
}

function arrangeClasses(task: Task, { labels, predictions, scores: given }: AnsweredRows): { rows: ClassifiedRows; task: ClassifierTask } {
  const scores = given === undefined ? undefined : scoresPerClass(task, given);
  const known = task.classes?.map(String) ?? countedClasses(task, scores);
  const classes = new Classes(known);
  classes.addAll(labels);
  if (classes.names.length > limits.evaluationClasses)
    throw new SlipwayError(
      'DATASET_REFUSED',
      `expected at most ${limits.evaluationClasses} classes; version and set have ${classes.names.length} together. Are the labels numbers to be predicted? Then the task is a regression`,
    );
  const named = task.positiveClass === undefined ? -1 : classes.names.indexOf(String(task.positiveClass));
  const none = classes.names.length;
  return {
    rows: {
      classes: classes.names,
      truth: Int32Array.from(labels, (label) => classes.find(label) ?? none),
      predicted: Int32Array.from(predictions, (value) => (value === null ? none : (classes.find(String(value)) ?? none))),
      ...(scores === undefined || scores.columns !== known.length ? {} : { scores }),
    },
    task: { kind: task.kind === 'binary' ? 'binary' : 'multiclass', positive: named >= 0 ? named : Math.min(1, classes.names.length - 1) },
  };
}

/** A single score is that of the positive class; the other class gets what is left of 1. */
function scoresPerClass(task: Task, scores: Scores): Scores | undefined {
  if (scores.columns !== 1) return scores;
  if (task.kind !== 'binary') return undefined;
  const isFirst = task.classes !== undefined && task.positiveClass === task.classes[0];
  const values = new Float64Array(2 * scores.values.length);
  for (const [row, score] of scores.values.entries()) {
    values[2 * row] = isFirst ? score : 1 - score;
    values[2 * row + 1] = isFirst ? 1 - score : score;
  }
  return { columns: 2, values };
}

function countedClasses(task: Task, scores: Scores | undefined): string[] {
  const count = scores?.columns ?? (task.kind === 'binary' ? 2 : 0);
  return Array.from({ length: count }, (_, index) => String(index));
}

/** Classes by the ways in which files write them. */
class Classes {
  readonly names: string[];
  private readonly places: Map<string, number>;
  private readonly areNamed: boolean;
  private readonly known: number;

  constructor(known: readonly string[]) {
    this.names = [...known];
    this.places = new Map(known.map((name, place) => [name, place]));
    this.areNamed = known.some((name) => numberOf(name) === undefined);
    this.known = known.length;
  }

  /** Labels that are none of the classes become classes, in an order of their own that does not depend on the rows. */
  addAll(labels: readonly string[]): void {
    const missing = [...new Set(labels)].filter((label) => this.find(label) === undefined);
    for (const name of missing.sort((a, b) => (numberOf(a) ?? 0) - (numberOf(b) ?? 0) || (a < b ? -1 : 1))) {
      this.places.set(name, this.names.length);
      this.names.push(name);
    }
  }

  /** By name; numbers in any way of writing (`1`, `1.0`, `true`); the place of a class that has a name. */
  find(label: string): number | undefined {
    const place = this.places.get(label);
    if (place !== undefined) return place;
    const number = numberOf(label);
    if (number === undefined) return undefined;
    const same = this.places.get(String(number));
    if (same !== undefined) return same;
    return this.areNamed && Number.isInteger(number) && number >= 0 && number < this.known ? number : undefined;
  }
}
