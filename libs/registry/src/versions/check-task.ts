import type { Signature, Task, TensorSignature } from '@slipway/contracts';

/** What a task is checked against: of an output declared without a rank only the name is known. */
export type TaskOutputs = Pick<Signature, 'outputs'>;

/**
 * Whether a task can be true of a model with these outputs.
 * @returns sentences that say what was expected and what was given; none when it fits.
 */
export function checkTask(task: Task, { outputs }: TaskOutputs): readonly string[] {
  const problems: string[] = [];
  const find = (field: string, name: string | undefined) => {
    if (name === undefined) return undefined;
    const output = outputs.find((candidate) => candidate.name === name);
    if (output === undefined) problems.push(`${field}: the model has no output ${quote(name)}; it has ${namesOf(outputs)}`);
    return output;
  };
  find('predictionOutput', task.predictionOutput);
  const scores = find('scoreOutput', task.scoreOutput);
  const classifies = task.kind === 'binary' || task.kind === 'multiclass';
  if (task.kind !== 'other' && task.predictionOutput === undefined && task.scoreOutput === undefined) {
    problems.push(`a ${task.kind} task needs predictionOutput or scoreOutput; none was given`);
  }
  if (task.kind === 'regression' && task.predictionOutput === undefined) problems.push('a regression task needs predictionOutput; none was given');
  if (!classifies && task.classes !== undefined) problems.push(`classes: a ${task.kind} task has none; ${task.classes.length} were given`);
  if (classifies) problems.push(...classProblems(task, scores));
  if (scores?.datatype === 'BYTES') problems.push(`scoreOutput: scores are numbers; ${quote(scores.name)} holds BYTES`);
  problems.push(...rowAxisProblems(task, outputs));
  return problems;
}

function classProblems(task: Task, scores: TensorSignature | undefined): readonly string[] {
  const problems: string[] = [];
  const { classes } = task;
  if (classes !== undefined) {
    if (new Set(classes).size !== classes.length) problems.push('classes: each class is named once; one is there twice');
    if (classes.length < 2) problems.push(`classes: at least 2 are needed to tell apart; ${classes.length} given`);
    if (task.kind === 'binary' && classes.length !== 2) problems.push(`classes: a binary task has 2; ${classes.length} given`);
    const columns = columnsOf(scores);
    // One column for two classes is the score of the positive one.
    if (columns !== undefined && columns !== classes.length && !(columns === 1 && classes.length === 2)) {
      problems.push(`classes: the output ${quote(scores?.name ?? '')} has ${columns} scores per row; ${classes.length} classes were given`);
    }
  }
  if (task.positiveClass !== undefined) {
    if (task.kind !== 'binary') problems.push(`positiveClass: only a binary task has one; this one is ${task.kind}`);
    if (classes !== undefined && !classes.includes(task.positiveClass)) {
      problems.push(`positiveClass: expected one of ${classes.slice(0, 10).map(quote).join(', ')}; given ${quote(task.positiveClass)}`);
    }
  }
  return problems;
}

/** How many scores a row has, when the signature says so. */
function columnsOf(scores: TensorSignature | undefined): number | undefined {
  if (scores === undefined || scores.unranked === true || scores.shape.length < 2) return undefined;
  const last = scores.shape.at(-1);
  return last === undefined || last < 0 ? undefined : last;
}

function rowAxisProblems(task: Task, outputs: readonly TensorSignature[]): readonly string[] {
  const { rowAxis } = task;
  if (rowAxis === null) return [];
  return outputs
    .filter((output) => output.name === task.predictionOutput || output.name === task.scoreOutput)
    .filter((output) => output.unranked !== true && rowAxis >= Math.max(output.shape.length, 1))
    .map((output) => `rowAxis: the output ${quote(output.name)} has ${output.shape.length} dimensions; axis ${rowAxis} was given`);
}

function namesOf(outputs: readonly TensorSignature[]): string {
  const shown = outputs.slice(0, 20).map((output) => quote(output.name));
  return outputs.length > shown.length ? `${shown.join(', ')} and ${outputs.length - shown.length} more` : shown.join(', ');
}

/** A name as people read it, without control characters and bounded. */
function quote(value: string | number): string {
  return JSON.stringify(typeof value === 'string' && value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
