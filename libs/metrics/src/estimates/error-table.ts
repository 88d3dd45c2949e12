/** Mean errors of a regressor by where its prediction and one of its inputs lie. */
export interface ErrorTable {
  readonly predictionEdges: readonly number[];
  /** The input by name; null where none tells anything about the error. */
  readonly column: string | null;
  readonly columnEdges: readonly number[];
  /** A line per part of the prediction; a cell per part of the input, and one more for the line as a whole. */
  readonly meanAbsolute: readonly (readonly number[])[];
  readonly meanSquared: readonly (readonly number[])[];
  /** Rows of the reference in each cell. */
  readonly rows: readonly (readonly number[])[];
}

/** Rows whose error is known. */
export interface ErrorRow {
  readonly predicted: Float64Array;
  /** predicted − true */
  readonly errors: Float64Array;
}

/** A numeric input as it lies beside these rows; NaN where it is missing. */
export interface ErrorFeature {
  readonly name: string;
  readonly values: Float64Array;
}

const predictionParts = 10;
const columnParts = 5;
/** Rows by which a cell is drawn to the mean of all: with as many rows of its own it is halfway. */
const shrinkage = 20;
/** Below this share of the squared error's variance an input tells nothing. */
const tellingShare = 0.002;

/**
 * Mean |e| and e² by decile of the prediction and quintile of the input that tells most about the error, each cell shrunk to the mean of its
 * decile and that to the mean of all (`monitoring.md` 6.10).
 */
export function fitErrorTable(rows: ErrorRow, features: readonly ErrorFeature[]): ErrorTable {
  const predictionEdges = innerEdges(rows.predicted, predictionParts);
  const best = mostTelling(rows, predictionEdges, features);
  const columnEdges = best === undefined ? [] : innerEdges(best.values, columnParts);
  const cells = sumCells(rows, { predictionEdges, columnEdges, values: best?.values });
  return {
    predictionEdges,
    column: best?.name ?? null,
    columnEdges,
    meanAbsolute: shrink(cells.map((row) => row.map(({ n, absolute }) => ({ n, sum: absolute })))),
    meanSquared: shrink(cells.map((row) => row.map(({ n, squared }) => ({ n, sum: squared })))),
    rows: cells.map((row) => row.map(({ n }) => n)),
  };
}

/**
 * Expected errors of rows without labels. Rows whose input is not known count by their prediction alone.
 * @returns undefined without rows
 */
export function estimateErrors(
  table: ErrorTable,
  rows: { readonly predicted: ArrayLike<number>; readonly column?: ArrayLike<number> | undefined },
): { readonly mae: number; readonly rmse: number } | undefined {
  const { predicted, column } = rows;
  if (predicted.length === 0) return undefined;
  let [absolute, squared] = [0, 0];
  for (let row = 0; row < predicted.length; row += 1) {
    const decile = partOf(table.predictionEdges, predicted[row] ?? Number.NaN);
    const value = column?.[row] ?? Number.NaN;
    absolute += cellOf(table.meanAbsolute[decile], table.columnEdges, value);
    squared += cellOf(table.meanSquared[decile], table.columnEdges, value);
  }
  return { mae: Math.max(0, absolute / predicted.length), rmse: Math.sqrt(Math.max(0, squared / predicted.length)) };
}

/** Rounds of fitting margins; differences are below 1e-6 long before. */
const fittingRounds = 20;

/**
 * Expected errors where predictions are known row by row and of the input only how many rows lie in each part: the reference's joint distribution
 * is stretched until both margins are those of the window (iterative proportional fitting, Deming and Stephan 1940).
 * @param columnCounts rows by part of the input, in the order of the table's parts
 */
export function estimateErrorsByMargins(table: ErrorTable, predicted: ArrayLike<number>, columnCounts: readonly number[]) {
  const total = columnCounts.reduce((sum, count) => sum + count, 0);
  if (table.column === null || total === 0) return estimateErrors(table, { predicted });
  if (predicted.length === 0) return undefined;
  const lines = new Array<number>(table.predictionEdges.length + 1).fill(0);
  for (let row = 0; row < predicted.length; row += 1) {
    const part = partOf(table.predictionEdges, predicted[row] ?? 0);
    lines[part] = (lines[part] ?? 0) + 1 / predicted.length;
  }
  // A trace in every cell, so that a combination that the reference never had can have mass.
  const mass = table.rows.map((line) => line.slice(0, -1).map((rows) => rows + 0.5));
  const columns = columnCounts.map((count) => count / total);
  for (let round = 0; round < fittingRounds; round += 1) {
    for (const [at, line] of mass.entries()) scale(line, lines[at] ?? 0);
    for (const [at, wanted] of columns.entries()) {
      const sum = mass.reduce((all, line) => all + (line[at] ?? 0), 0);
      for (const line of mass) line[at] = sum > 0 ? ((line[at] ?? 0) * wanted) / sum : 0;
    }
  }
  const mean = (cells: ErrorTable['meanAbsolute']) =>
    mass.reduce((sum, line, at) => sum + line.reduce((part, share, place) => part + share * (cells[at]?.[place] ?? 0), 0), 0);
  return { mae: Math.max(0, mean(table.meanAbsolute)), rmse: Math.sqrt(Math.max(0, mean(table.meanSquared))) };
}

function scale(line: number[], wanted: number): void {
  const sum = line.reduce((all, one) => all + one, 0);
  for (const [at, one] of line.entries()) line[at] = sum > 0 ? (one * wanted) / sum : 0;
}

/** The last cell of a line is that of rows whose input is not known. */
function cellOf(line: readonly number[] | undefined, edges: readonly number[], value: number): number {
  if (line === undefined) return 0;
  return line[Number.isFinite(value) ? partOf(edges, value) : line.length - 1] ?? 0;
}

interface Cell {
  n: number;
  absolute: number;
  squared: number;
}

/** A line per part of the prediction, a cell per part of the input, and one more for the line as a whole. */
function sumCells(
  { predicted, errors }: ErrorRow,
  { predictionEdges, columnEdges, values }: { predictionEdges: readonly number[]; columnEdges: readonly number[]; values: Float64Array | undefined },
): Cell[][] {
  const cells = Array.from({ length: predictionEdges.length + 1 }, () =>
    Array.from({ length: columnEdges.length + 2 }, (): Cell => ({ n: 0, absolute: 0, squared: 0 })),
  );
  for (const [row, error] of errors.entries()) {
    const line = cells[partOf(predictionEdges, predicted[row] ?? 0)];
    const value = values?.[row] ?? Number.NaN;
    const own = Number.isFinite(value) ? line?.[partOf(columnEdges, value)] : undefined;
    for (const cell of [own, line?.at(-1)]) {
      if (cell === undefined) continue;
      cell.n += 1;
      cell.absolute += Math.abs(error);
      cell.squared += error * error;
    }
  }
  return cells;
}

function shrink(sums: readonly (readonly { readonly n: number; readonly sum: number }[])[]): number[][] {
  const whole = sums.reduce((all, line) => ({ n: all.n + (line.at(-1)?.n ?? 0), sum: all.sum + (line.at(-1)?.sum ?? 0) }), { n: 0, sum: 0 });
  const mean = whole.n === 0 ? 0 : whole.sum / whole.n;
  return sums.map((line) => {
    const { n = 0, sum = 0 } = line.at(-1) ?? {};
    const lineMean = (sum + shrinkage * mean) / (n + shrinkage);
    return [...line.slice(0, -1).map((cell) => (cell.sum + shrinkage * lineMean) / (cell.n + shrinkage)), lineMean];
  });
}

/** The input whose quintiles, within deciles of the prediction, explain most of |e|. */
function mostTelling(rows: ErrorRow, predictionEdges: readonly number[], features: readonly ErrorFeature[]): ErrorFeature | undefined {
  const absolute = rows.errors.map(Math.abs);
  const mean = absolute.reduce((sum, error) => sum + error, 0) / Math.max(1, absolute.length);
  const total = absolute.reduce((sum, error) => sum + (error - mean) ** 2, 0);
  const alone = explained(rows, predictionEdges, undefined);
  let best: { feature: ErrorFeature; gain: number } | undefined;
  for (const feature of features) {
    const gain = explained(rows, predictionEdges, feature) - alone;
    if (gain > tellingShare * total && gain > (best?.gain ?? 0)) best = { feature, gain };
  }
  return best?.feature;
}

/** Sum of squares of |e| between cells, without what as many cells explain by chance. */
function explained(rows: ErrorRow, predictionEdges: readonly number[], feature: ErrorFeature | undefined): number {
  const columnEdges = feature === undefined ? [] : innerEdges(feature.values, columnParts);
  const cells = sumCells(rows, { predictionEdges, columnEdges, values: feature?.values });
  const used = cells.flatMap((line) => (feature === undefined ? line.slice(-1) : [...line.slice(0, -1), missingOf(line)])).filter(({ n }) => n > 0);
  const [n, sum, squared] = used.reduce(([a, b, c], cell) => [a + cell.n, b + cell.absolute, c + cell.squared], [0, 0, 0]);
  const between = used.reduce((total, cell) => total + (cell.absolute * cell.absolute) / cell.n, 0) - (sum * sum) / Math.max(1, n);
  const within = squared - (sum * sum) / Math.max(1, n) - between;
  return between - ((used.length - 1) * within) / Math.max(1, n - used.length);
}

/** Rows of a line whose input is missing. */
function missingOf(line: readonly Cell[]): Cell {
  const known = line.slice(0, -1);
  const whole = line.at(-1) ?? { n: 0, absolute: 0, squared: 0 };
  const rest = (pick: (cell: Cell) => number) => Math.max(0, pick(whole) - known.reduce((sum, cell) => sum + pick(cell), 0));
  return { n: rest((cell) => cell.n), absolute: rest((cell) => cell.absolute), squared: rest((cell) => cell.squared) };
}

/** Inner quantiles of the finite values, each once. */
function innerEdges(values: Float64Array, parts: number): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  const edges: number[] = [];
  for (let part = 1; part < parts; part += 1) {
    const edge = sorted[Math.floor((part * sorted.length) / parts)];
    if (edge !== undefined && edge !== edges.at(-1) && edge > (sorted[0] ?? 0)) edges.push(edge);
  }
  return edges;
}

/** How many edges are at or below the value. */
export function partOf(edges: readonly number[], value: number): number {
  let part = 0;
  while (part < edges.length && value >= (edges[part] ?? 0)) part += 1;
  return part;
}
