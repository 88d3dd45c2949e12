import type { ColumnCounts, ColumnLayout } from '@slipway/contracts';

/** Bins that a number is judged in; finer ones cost more rows than they tell. */
const judgedBins = 10;
/** Fewer expected rows than this in a bin leave the laws a poor fit. */
const fewestExpected = 5;

/** Both sides of a column in bins that hold enough to be judged. */
export interface JudgingBins {
  readonly reference: readonly number[];
  readonly window: readonly number[];
  /** How many of the first bins are in order (numbers); the rest stands alone (categories, missing values). */
  readonly ordered: number;
}

/** The counts of a column that drift is judged from. */
export type JudgedCounts = Pick<ColumnCounts, 'n' | 'missing' | 'infinite' | 'bins'>;

/**
 * Joins the frozen bins of a column until each is expected to hold at least five rows of the smaller side: neighbours for numbers, the rarest
 * categories into one for the others. At most ten bins for numbers (the reference's deciles), as many as the window has twenties of rows for
 * categories. Missing values are a bin of their own where there are enough of them.
 */
export function judgingBins(kind: ColumnLayout['kind'], reference: JudgedCounts, window: JudgedCounts): JudgingBins {
  const [first, second] = [[...reference.bins], [...window.bins]];
  const smaller = Math.min(total(first), total(second));
  const cells =
    kind === 'numeric'
      ? joinNeighbours(decileCells(first, second), fewestOf(first, second))
      : joinRarest(first, second, fewestOf(first, second), Math.max(2, Math.min(100, Math.floor(smaller / 20))));
  const missing: Cell = [reference.missing + reference.infinite, window.missing + window.infinite];
  const all = missing[0] + missing[1] >= fewestOf([...first, missing[0]], [...second, missing[1]]) ? [...cells, missing] : cells;
  return { reference: all.map(([count]) => count), window: all.map(([, count]) => count), ordered: kind === 'numeric' ? cells.length : 0 };
}

/** Bins that the reference alone would be judged in: what a window has to fill. */
export function referenceBins(kind: ColumnLayout['kind'], { bins }: JudgedCounts): number {
  const filled = bins.filter((count) => count > 0).length;
  return kind === 'numeric' ? decileCells([...bins], [...bins]).length : Math.min(judgedBins, filled);
}

type Cell = [reference: number, window: number];

/** Rows of both sides together of which the smaller side expects five. */
function fewestOf(first: readonly number[], second: readonly number[]): number {
  const [n, m] = [total(first), total(second)];
  return n === 0 || m === 0 ? Number.POSITIVE_INFINITY : (fewestExpected * (n + m)) / Math.min(n, m);
}

/** Every bin to the decile of the reference that its middle row is in. */
function decileCells(first: readonly number[], second: readonly number[]): Cell[] {
  const n = total(first);
  const cells: (Cell | undefined)[] = [];
  let before = 0;
  for (let bin = 0; bin < first.length; bin += 1) {
    const count = first[bin] ?? 0;
    const decile = Math.min(judgedBins - 1, Math.floor((judgedBins * (before + count / 2)) / n));
    before += count;
    const cell = cells[decile] ?? [0, 0];
    cell[0] += count;
    cell[1] += second[bin] ?? 0;
    cells[decile] = cell;
  }
  return cells.filter((cell): cell is Cell => cell !== undefined);
}

function joinNeighbours(cells: readonly Cell[], fewest: number): Cell[] {
  const joined: Cell[] = [];
  for (const cell of cells) {
    const last = joined.at(-1);
    if (last !== undefined && (sum(last) < fewest || sum(cell) < fewest)) add(last, cell);
    else joined.push([...cell]);
  }
  return joined;
}

function joinRarest(first: readonly number[], second: readonly number[], fewest: number, most: number): Cell[] {
  const cells = first.map((count, bin): Cell => [count, second[bin] ?? 0]).filter((cell) => sum(cell) > 0);
  // By the rows of both, so that a category that vanishes or swells keeps its bin.
  cells.sort((one, other) => sum(other) - sum(one));
  const kept: Cell[] = [];
  const rest: Cell = [0, 0];
  for (const cell of cells) {
    if (kept.length < most && sum(cell) >= fewest) kept.push(cell);
    else add(rest, cell);
  }
  if (sum(rest) === 0) return kept;
  const last = kept.at(-1);
  if (last !== undefined && sum(rest) < fewest) add(last, rest);
  else kept.push(rest);
  return kept;
}

function add(to: Cell, cell: Cell): void {
  to[0] += cell[0];
  to[1] += cell[1];
}

function sum(cell: Cell): number {
  return cell[0] + cell[1];
}

function total(counts: readonly number[]): number {
  let all = 0;
  for (const count of counts) all += count;
  return all;
}
