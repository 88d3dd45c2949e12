import type { LabelledReference, Task } from '@slipway/contracts';
import { type ErrorTable, estimateErrors, estimateErrorsByMargins } from './error-table.js';
import { estimateBinary } from './estimate-binary.js';
import { calibrateRows, estimateMulticlass } from './estimate-multiclass.js';
import { applyMap, type MonotoneMap } from './isotonic.js';

/** A recorded prediction, and its label where one has come. */
export interface RecordedScore {
  readonly atMs: number;
  /** The class as text. */
  readonly predicted: string | null;
  readonly predictedNumber: number | null;
  /** Of the positive class (binary) or of the predicted class (multiclass). */
  readonly score: number | null;
  /** Of all classes, where they are recorded. */
  readonly scores: readonly number[] | null;
  /** How many rows it stands for: the inverse of the probability with which it was kept. */
  readonly weight: number;
  readonly label: string | null;
  readonly labelNumber: number | null;
}

/** Metrics of a window without labels, with ± 3 sampling errors. */
export interface WindowEstimate {
  readonly n: number;
  readonly metrics: Readonly<Record<string, { readonly estimate: number; readonly band: readonly [number, number] }>>;
}

const shares: ReadonlySet<string> = new Set(['mae', 'rmse']);

/**
 * The quality of a window as it is to be expected from what was predicted (`monitoring.md` 6.9, 6.10). Undefined where the reference carries no
 * estimate, or no row can be used.
 * @param columnCounts rows by part of the error table's input, from the profile of the window
 */
export function estimateWindow(
  task: Task,
  labelled: LabelledReference,
  rows: readonly RecordedScore[],
  columnCounts?: readonly number[] | undefined,
): WindowEstimate | undefined {
  if (task.kind === 'regression') return estimateRegression(labelled, rows, columnCounts);
  if (task.kind === 'binary') return estimatePositive(labelled, rows);
  return task.kind === 'multiclass' ? estimateClasses(task, labelled, rows) : undefined;
}

/** The quality of the rows that have labels, by the same formulas; undefined where none has. */
export function realisedWindow(
  task: Task,
  labelled: LabelledReference,
  rows: readonly RecordedScore[],
): Readonly<Record<string, number>> | undefined {
  const known = rows.filter(({ label, labelNumber }) => label !== null || labelNumber !== null);
  if (known.length === 0) return undefined;
  if (task.kind === 'regression') return realisedErrors(known);
  if (task.kind === 'binary') {
    const positive = labelled.positiveClass;
    return defined(estimateBinary({ ...binaryRows(known, positive), chances: Float64Array.from(known, ({ label }) => Number(label === positive)) }));
  }
  const classes = classNames(task, labelled);
  const scored = known.filter(({ scores }) => scores?.length === classes.length);
  if (scored.length < known.length) {
    const right = known.reduce((sum, row) => sum + (row.label === row.predicted ? row.weight : 0), 0);
    return { accuracy: right / known.reduce((sum, { weight }) => sum + weight, 0) };
  }
  const chances = Float64Array.from(scored.flatMap(({ label }) => classes.map((name) => Number(name === label))));
  return defined(estimateMulticlass({ classes: classes.length, ...multiclassRows(scored, classes), chances }));
}

function estimatePositive(labelled: LabelledReference, rows: readonly RecordedScore[]): WindowEstimate | undefined {
  const { positiveClass, calibration } = labelled;
  const map = positiveClass === undefined ? undefined : calibration?.[positiveClass];
  const usable = rows.filter(({ score, predicted }) => score !== null && predicted !== null);
  if (map === undefined || usable.length === 0) return undefined;
  const own = binaryRows(usable, positiveClass);
  const chances = own.scores.map((score) => chanceOf(map, score));
  return banded(labelled, usable, defined(estimateBinary({ ...own, chances })));
}

function estimateClasses(task: Task, labelled: LabelledReference, rows: readonly RecordedScore[]): WindowEstimate | undefined {
  const classes = classNames(task, labelled);
  const scored = rows.filter(({ scores, predicted }) => scores?.length === classes.length && predicted !== null);
  if (scored.length > 0 && scored.length === rows.length && scored.every(({ weight }) => weight === 1)) {
    const own = multiclassRows(scored, classes);
    const maps = classes.map((name): MonotoneMap | undefined => {
      const map = labelled.calibration?.[name];
      return map === undefined || map.isIdentity ? undefined : map;
    });
    return banded(labelled, scored, defined(estimateMulticlass({ classes: classes.length, ...own, chances: calibrateRows(own.scores, maps) })));
  }
  const { confidence } = labelled;
  const usable = rows.filter(({ score }) => score !== null);
  if (confidence === undefined || usable.length === 0) return undefined;
  const total = usable.reduce((sum, { weight }) => sum + weight, 0);
  const right = usable.reduce((sum, { score, weight }) => sum + weight * chanceOf(confidence, score ?? 0), 0);
  return banded(labelled, usable, { accuracy: right / total });
}

function estimateRegression(
  { errorTable, ...labelled }: LabelledReference,
  rows: readonly RecordedScore[],
  columnCounts: readonly number[] | undefined,
): WindowEstimate | undefined {
  const usable = rows.filter(({ predictedNumber }) => predictedNumber !== null);
  if (errorTable === undefined || usable.length === 0) return undefined;
  const table: ErrorTable = errorTable;
  const predicted = usable.map(({ predictedNumber }) => predictedNumber ?? 0);
  const errors = columnCounts === undefined ? estimateErrors(table, { predicted }) : estimateErrorsByMargins(table, predicted, columnCounts);
  return errors === undefined ? undefined : banded(labelled, usable, { ...errors });
}

function banded(labelled: LabelledReference, rows: readonly RecordedScore[], values: Readonly<Record<string, number>>): WindowEstimate {
  const n = effectiveRows(rows);
  const metrics: Record<string, { estimate: number; band: [number, number] }> = {};
  for (const [name, estimate] of Object.entries(values)) {
    const spread = labelled.metrics[name];
    if (spread === undefined) continue;
    const half = (3 * spread.perRow) / Math.sqrt(n);
    const most = shares.has(name) ? Number.POSITIVE_INFINITY : 1;
    metrics[name] = { estimate, band: [Math.max(0, estimate - half), Math.min(most, estimate + half)] };
  }
  return { n: rows.length, metrics };
}

/** Rows of unequal weight tell as much as so many of equal weight (Kish 1965). */
function effectiveRows(rows: readonly RecordedScore[]): number {
  let [sum, squares] = [0, 0];
  for (const { weight } of rows) {
    sum += weight;
    squares += weight * weight;
  }
  return squares === 0 ? 1 : (sum * sum) / squares;
}

function binaryRows(rows: readonly RecordedScore[], positive: string | undefined) {
  return {
    scores: Float64Array.from(rows, ({ score, predicted }) => score ?? Number(predicted === positive)),
    predicted: Uint8Array.from(rows, ({ predicted }) => Number(predicted === positive)),
    weights: Float64Array.from(rows, ({ weight }) => weight),
  };
}

function multiclassRows(rows: readonly RecordedScore[], classes: readonly string[]) {
  return {
    scores: Float64Array.from(rows.flatMap(({ scores }) => scores ?? [])),
    predicted: Int32Array.from(rows, ({ predicted }) => {
      const place = classes.indexOf(predicted ?? '');
      return place === -1 ? classes.length : place;
    }),
  };
}

/** The classes of a task in the order of its scores. */
function classNames({ classes }: Task, { calibration }: LabelledReference): readonly string[] {
  return classes?.map(String) ?? Object.keys(calibration ?? {});
}

function chanceOf(map: MonotoneMap & { readonly isIdentity: boolean }, score: number): number {
  return map.isIdentity ? score : applyMap(map, score);
}

function realisedErrors(rows: readonly RecordedScore[]): Record<string, number> | undefined {
  const errors = rows.flatMap(({ predictedNumber, labelNumber, weight }) =>
    predictedNumber === null || labelNumber === null ? [] : [{ error: predictedNumber - labelNumber, weight }],
  );
  const total = errors.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return undefined;
  const mean = (of: (error: number) => number) => errors.reduce((sum, { error, weight }) => sum + weight * of(error), 0) / total;
  return { mae: mean(Math.abs), rmse: Math.sqrt(mean((error) => error * error)) };
}

function defined(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
