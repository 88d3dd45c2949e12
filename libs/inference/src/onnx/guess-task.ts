import type { Signature, Task, TensorSignature } from '@slipway/contracts';
import type { ModelFacts } from './model-facts.js';

/** What of a model's facts hints at the task; everything may be missing. */
export type TaskHints = Partial<Pick<ModelFacts, 'classes' | 'outputOperators' | 'properties'>>;

const labelName = /label|class(?!if)|predict(?:ed|ion)?|variable|^output$|category/i;
const scoreName = /prob|score|softmax|logit|confidence|sigmoid/i;
const scoreOperators: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'Normalizer', 'ZipMap']);
const classPropertyNames = ['classes', 'class_names', 'labels', 'names'];
const maxClasses = 10_000;

/**
 * Guesses what a model's answer means from the names, datatypes and shapes of its outputs. A guess: people can change it.
 * - a label output (integers or texts, one per row) that is named like one, or comes with scores or known classes, makes a
 *   classifier; a float output with a column per class is its scores
 * - a float output alone is scores when its name or operator says so or when it has several columns after an image-like input,
 *   else, with one value per row, a regression
 */
export function guessTask(signature: Signature, hints: TaskHints = {}): Task {
  const rowAxis = guessRowAxis(signature);
  const label = pick(signature.outputs, isLabel, labelName);
  const score = pick(signature.outputs, isScore, scoreName);
  if (label !== undefined && (labelName.test(label.name) || score !== undefined || hints.classes !== undefined))
    return classifier(label, scoreOfLabel(score, hints), hints, rowAxis);
  if (score === undefined) return { kind: 'other', rowAxis };
  const columns = columnsOf(score);
  if (columns === 1 && !looksLikeScores(score, hints)) return { kind: 'regression', predictionOutput: score.name, rowAxis };
  if (columns === 1) return classifier(undefined, score, hints, rowAxis);
  const isClassifier = columns !== undefined && columns <= maxClasses && (looksLikeScores(score, hints) || hasImageInput(signature));
  return isClassifier ? classifier(undefined, score, hints, rowAxis) : { kind: 'other', rowAxis };
}

/** Rows are counted along axis 0 when it is open in every input and at least one output. */
function guessRowAxis(signature: Signature): 0 | null {
  const open = (tensor: TensorSignature): boolean => tensor.unranked !== true && tensor.shape[0] === -1;
  const fixedOne = (tensor: TensorSignature): boolean => tensor.shape[0] === 1;
  if (signature.inputs.length === 0) return null;
  if (signature.inputs.every(open) && signature.outputs.some(open)) return 0;
  // A batch frozen at one row is still a row.
  return signature.inputs.every(fixedOne) && signature.outputs.every(fixedOne) ? 0 : null;
}

function classifier(label: TensorSignature | undefined, score: TensorSignature | undefined, hints: TaskHints, rowAxis: 0 | null): Task {
  const classes = classesOf(hints, score === undefined ? undefined : columnsOf(score));
  const columns = classes?.length ?? (score === undefined ? undefined : columnsOf(score));
  const isBinary = columns !== undefined && columns <= 2;
  const [, positiveClass] = classes ?? [];
  return {
    kind: isBinary ? 'binary' : 'multiclass',
    ...(label === undefined ? {} : { predictionOutput: label.name }),
    ...(score === undefined ? {} : { scoreOutput: score.name }),
    ...(classes === undefined ? {} : { classes: [...classes] }),
    rowAxis,
    ...(isBinary && positiveClass !== undefined ? { positiveClass } : {}),
  };
}

function scoreOfLabel(score: TensorSignature | undefined, hints: TaskHints): TensorSignature | undefined {
  if (score === undefined) return undefined;
  const columns = columnsOf(score);
  return looksLikeScores(score, hints) || (columns !== undefined && columns > 1) || score.shape.length === 2 ? score : undefined;
}

function pick(outputs: readonly TensorSignature[], matches: (output: TensorSignature) => boolean, name: RegExp): TensorSignature | undefined {
  const candidates = outputs.filter(matches);
  return candidates.find((output) => name.test(output.name)) ?? candidates[0];
}

/** One integer or text per row. */
function isLabel(output: TensorSignature): boolean {
  const isDiscrete = output.datatype === 'BYTES' || output.datatype.startsWith('INT') || output.datatype === 'BOOL';
  return isDiscrete && columnsOf(output) === 1;
}

function isScore(output: TensorSignature): boolean {
  return output.datatype.startsWith('FP') && output.unranked !== true && output.shape.length >= 1 && output.shape.length <= 4 && trailingOnes(output);
}

/** Old image models give [N, C, 1, 1]. */
function trailingOnes(output: TensorSignature): boolean {
  return output.shape.slice(2).every((dimension) => dimension === 1);
}

/** Values per row; undefined when open. */
function columnsOf(output: TensorSignature): number | undefined {
  if (output.unranked === true) return undefined;
  if (output.shape.length <= 1) return output.shape[0] === -1 || output.shape[0] === 1 ? 1 : undefined;
  const columns = output.shape[1];
  return columns === undefined || columns < 0 || !trailingOnes(output) ? undefined : columns;
}

function looksLikeScores(output: TensorSignature, hints: TaskHints): boolean {
  return scoreName.test(output.name) || scoreOperators.has(hints.outputOperators?.get(output.name) ?? '');
}

function hasImageInput(signature: Signature): boolean {
  return signature.inputs.some((input) => input.shape.length === 4);
}

/** Labels that a classifier operator carries, else a metadata property with a JSON list (or map by index) of as many as there are scores. */
function classesOf(hints: TaskHints, columns: number | undefined): readonly (string | number)[] | undefined {
  if (hints.classes !== undefined) return hints.classes;
  for (const name of classPropertyNames) {
    const listed = parseClasses(hints.properties?.[name]);
    if (listed !== undefined && listed.length > 1 && (columns === undefined || listed.length === columns)) return listed;
  }
  return undefined;
}

function parseClasses(text: string | undefined): (string | number)[] | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const list: unknown[] = Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : [];
    const classes = list.filter((each) => typeof each === 'string' || typeof each === 'number');
    return classes.length === list.length && classes.length <= maxClasses ? classes : undefined;
  } catch {
    return undefined;
  }
}
