import { SlipwayError } from '@slipway/contracts';
import type { ComparedRows } from './compare-versions.js';
import type { ClassifiedRows, RegressedRows } from './labelled-rows.js';
import type { StoredRows } from './prediction-file.js';

/** Several versions on the rows that all of them were asked. */
export interface AlignedVersions {
  readonly compared: ComparedRows;
  readonly rowNumbers: readonly number[];
  readonly ids: readonly (string | number | null)[];
  /** Of the first version, and what the others know beyond; empty for regressors. */
  readonly classes: readonly string[];
}

/**
 * Brings the stored rows of versions together: rows by their number in the file, classes by their name. Scores stay where all versions score the
 * same classes.
 * @throws SlipwayError COMPARISON_REFUSED when some predict classes and some numbers
 */
export function alignVersions(stored: readonly StoredRows[]): AlignedVersions {
  const [first] = stored;
  if (first === undefined) throw new SlipwayError('COMPARISON_REFUSED', 'expected versions to compare; given none');
  const places = stored.map(({ rowNumbers }) => new Map(Array.from(rowNumbers, (number, place) => [number, place])));
  const rowNumbers = [...first.rowNumbers].filter((number) => places.every((each) => each.has(number)));
  const picked = places.map((each) => rowNumbers.map((number) => each.get(number) ?? 0));
  const ids = (picked[0] ?? []).map((place) => first.ids?.[place] ?? null);
  const regressors = stored.flatMap(({ arranged }) => (arranged.kind === 'regressor' ? [arranged.rows] : []));
  if (regressors.length === stored.length) {
    const versions = regressors.map((rows, index): RegressedRows => pickNumbers(rows, picked[index] ?? []));
    return { compared: { kind: 'regressor', versions }, rowNumbers, ids, classes: [] };
  }
  const classifiers = stored.flatMap(({ arranged }) => (arranged.kind === 'classifier' ? [arranged] : []));
  const [leading] = classifiers;
  if (leading === undefined || classifiers.length !== stored.length)
    throw new SlipwayError('COMPARISON_REFUSED', 'some of the versions predict classes and some predict numbers; these cannot be compared');
  const classes = [...new Set(classifiers.flatMap(({ rows }) => rows.classes))];
  const scored = classifiers.map(({ rows }) => rows.classes.slice(0, rows.scores?.columns ?? 0).join('\0'));
  const keepScores = new Set(scored).size === 1 && scored[0] !== '';
  const versions = classifiers.map(({ rows }, index) => pickClasses(rows, picked[index] ?? [], { classes, keepScores }));
  return { compared: { kind: 'classifier', task: leading.task, versions }, rowNumbers, ids, classes };
}

function pickNumbers({ truth, predicted }: RegressedRows, places: readonly number[]): RegressedRows {
  const pick = (values: Float64Array) => Float64Array.from(places, (place) => values[place] ?? Number.NaN);
  return { truth: pick(truth), predicted: pick(predicted) };
}

function pickClasses(
  rows: ClassifiedRows,
  places: readonly number[],
  { classes, keepScores }: { readonly classes: readonly string[]; readonly keepScores: boolean },
): ClassifiedRows {
  const newPlace = rows.classes.map((name) => classes.indexOf(name));
  const pick = (values: Int32Array) => Int32Array.from(places, (place) => newPlace[values[place] ?? -1] ?? classes.length);
  const { scores } = rows;
  const chosen = { classes, truth: pick(rows.truth), predicted: pick(rows.predicted) };
  if (!keepScores || scores === undefined) return chosen;
  const values = new Float64Array(places.length * scores.columns);
  for (const [row, place] of places.entries())
    values.set(scores.values.subarray(place * scores.columns, (place + 1) * scores.columns), row * scores.columns);
  return { ...chosen, scores: { columns: scores.columns, values } };
}
