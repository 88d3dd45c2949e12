/** How often a class was predicted for rows of a true class. `predicted` is null when the answer was no class. */
export interface ConfusionCell {
  readonly label: string;
  readonly predicted: string | null;
  readonly count: number;
}

/** Counts per class over a fixed set of classes; all of them add up over windows. */
export interface ConfusionCounts {
  readonly classes: readonly string[];
  /** Rows with a label of the set. */
  readonly n: number;
  readonly correct: number;
  /** By position of the class: rightly predicted, predicted at all, truly there. */
  readonly truePositives: readonly number[];
  readonly predicted: readonly number[];
  readonly actual: readonly number[];
  readonly cells: readonly ConfusionCell[];
}

/**
 * Counts over the version's own classes, not those that happen to occur, so that averages do not move when a class is absent
 * (`monitoring.md` 6.7). Without known classes: all that occur, in order. A prediction outside the set is a miss of the true class.
 */
export function countConfusion(cells: readonly ConfusionCell[], knownClasses: readonly string[] | undefined): ConfusionCounts {
  const classes = knownClasses ?? occurring(cells);
  const indexOf = new Map(classes.map((name, index) => [name, index]));
  const zeros = () => new Array<number>(classes.length).fill(0);
  const [truePositives, predicted, actual] = [zeros(), zeros(), zeros()];
  const used: ConfusionCell[] = [];
  let n = 0;
  let correct = 0;
  for (const cell of cells) {
    const row = indexOf.get(cell.label);
    if (row === undefined) continue;
    const column = cell.predicted === null ? undefined : indexOf.get(cell.predicted);
    used.push(cell);
    n += cell.count;
    add(actual, row, cell.count);
    if (column !== undefined) add(predicted, column, cell.count);
    if (column !== row) continue;
    correct += cell.count;
    add(truePositives, row, cell.count);
  }
  return { classes, n, correct, truePositives, predicted, actual, cells: used };
}

/** Rows are true classes, columns predicted ones; answers outside the classes are not in it. */
export function confusionMatrix(counts: ConfusionCounts): number[][] {
  const indexOf = new Map(counts.classes.map((name, index) => [name, index]));
  const matrix = counts.classes.map(() => new Array<number>(counts.classes.length).fill(0));
  for (const { label, predicted, count } of counts.cells) {
    const row = matrix[indexOf.get(label) ?? -1];
    const column = predicted === null ? undefined : indexOf.get(predicted);
    if (row !== undefined && column !== undefined) add(row, column, count);
  }
  return matrix;
}

function occurring(cells: readonly ConfusionCell[]): string[] {
  const names = new Set<string>();
  for (const { label, predicted } of cells) {
    names.add(label);
    if (predicted !== null) names.add(predicted);
  }
  return [...names].sort();
}

function add(counts: number[], index: number, count: number): void {
  counts[index] = (counts[index] ?? 0) + count;
}
