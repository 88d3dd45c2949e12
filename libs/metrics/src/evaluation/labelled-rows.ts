/** How often each row counts; absent: once each. A resample of rows is such a list. */
export type Weights = Uint32Array | Float64Array | undefined;

/** What a classifier said about rows whose class is known. */
export interface ClassifiedRows {
  readonly classes: readonly string[];
  /** Place of the true class, row by row. */
  readonly truth: Int32Array;
  /** Place of the predicted class; `classes.length` where the answer was none of them, or there was none. */
  readonly predicted: Int32Array;
  /** Probabilities row by row; undefined when the model gives none. */
  readonly scores?: Scores | undefined;
}

/** Scores of the first `columns` classes, row-major. A row with a value that is no number has no scores. */
export interface Scores {
  readonly columns: number;
  readonly values: Float32Array | Float64Array;
}

/** What a regressor said about rows whose value is known; NaN where it said nothing. */
export interface RegressedRows {
  readonly truth: Float64Array;
  readonly predicted: Float64Array;
}

/** How often a row counts. */
export function weightOf(weights: Weights, row: number): number {
  return weights === undefined ? 1 : (weights[row] ?? 0);
}

/** The numbers of the rows that pass, ascending. */
export function rowsWhere(count: number, passes: (row: number) => boolean): Int32Array {
  const rows = new Int32Array(count);
  let kept = 0;
  for (let row = 0; row < count; row += 1) {
    if (!passes(row)) continue;
    rows[kept] = row;
    kept += 1;
  }
  return rows.slice(0, kept);
}
