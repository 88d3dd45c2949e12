import type { ConfusionTable } from '../evaluation/confusion-table.js';

/** How often a class was predicted for rows of a true class. `predicted` is null when the answer was no class. */
export interface ConfusionCell {
  readonly label: string;
  readonly predicted: string | null;
  readonly count: number;
}

/** Counts of a fixed set of classes. */
export interface ConfusionCounts {
  readonly classes: readonly string[];
  readonly table: ConfusionTable;
}

/**
 * Counts over the version's own classes, not those that happen to occur, so that averages do not move when a class is absent
 * (`monitoring.md` 6.7). Without known classes: all that occur, in order. A prediction outside the set is a miss of the true class.
 */
export function countConfusion(cells: readonly ConfusionCell[], knownClasses: readonly string[] | undefined): ConfusionCounts {
  const classes = knownClasses ?? occurring(cells);
  const places = new Map(classes.map((name, index) => [name, index]));
  const columns = classes.length + 1;
  const counts = new Float64Array(classes.length * columns);
  const actual = new Float64Array(classes.length);
  const predicted = new Float64Array(columns);
  let n = 0;
  for (const cell of cells) {
    const row = places.get(cell.label);
    if (row === undefined) continue;
    const column = (cell.predicted === null ? undefined : places.get(cell.predicted)) ?? classes.length;
    counts[row * columns + column] = (counts[row * columns + column] ?? 0) + cell.count;
    actual[row] = (actual[row] ?? 0) + cell.count;
    predicted[column] = (predicted[column] ?? 0) + cell.count;
    n += cell.count;
  }
  return { classes, table: { classes: classes.length, n, counts, actual, predicted } };
}

/** Rows are true classes, columns predicted ones; answers outside the classes are not in it. */
export function confusionMatrix({ classes, table }: ConfusionCounts): number[][] {
  return classes.map((_, row) => [...table.counts.subarray(row * (table.classes + 1), row * (table.classes + 1) + table.classes)]);
}

function occurring(cells: readonly ConfusionCell[]): string[] {
  const names = new Set<string>();
  for (const { label, predicted } of cells) {
    names.add(label);
    if (predicted !== null) names.add(predicted);
  }
  return [...names].sort();
}
