import type { Signature } from '@slipway/contracts';
import { canaryInputs, type Tensor } from '@slipway/inference';

/** Time of runs by their rows, in µs. */
export type MeasuredCosts = readonly { readonly rows: number; readonly micros: number }[];

export interface WarmUpPlan {
  readonly signature: Signature;
  /** Rows that requests may be joined to; 1: none are joined. */
  readonly maxRows: number;
}

/** Doubling the rows must save this share of the cost per row, else larger runs gain nothing and need only more memory. */
const gain = 0.05;
/** Sizes between the doublings are warmed as far as this time allows. */
const budgetMs = 2_000;
/** What larger runs may add to the memory of a single row's. */
const memoryBytes = 256 * 1024 * 1024;
/** A size is run this often at most: the first run allocates, the next ones are what requests will meet. */
const roundsMax = 3;
const roundsMs = 20;

/**
 * Runs a model on generated inputs at the sizes it may meet: 1, 2, 4 … as long as more rows pay, then those in between. A model that cannot
 * take generated values may still serve, so its refusal of them is no failure; the process dying of them is. Blocks.
 * @returns what each size costs, in rising order; the last is the largest worth joining to.
 */
export function warmUp(run: (inputs: readonly Tensor[], names: readonly string[]) => unknown, plan: WarmUpPlan): MeasuredCosts {
  const names = plan.signature.outputs.map((output) => output.name);
  const costs = new Map<number, number>();
  const measure = (rows: number) => {
    const micros = runMicros(() => run(canaryInputs(plan.signature, rows), names));
    costs.set(rows, micros);
    return micros;
  };
  const startedAt = performance.now();
  try {
    const largest = double(measure, plan.maxRows);
    for (let rows = 3; rows < largest && performance.now() - startedAt < budgetMs; rows++) if (!costs.has(rows)) measure(rows);
  } catch {
    // Which inputs a model can take is known to its callers only; loading has already proven the file.
  }
  return [...costs].map(([rows, micros]) => ({ rows, micros })).toSorted((a, b) => a.rows - b.rows);
}

/** Warms 1, 2, 4 … up to the maximum, as long as it pays; returns the last size. */
function double(measure: (rows: number) => number, maxRows: number): number {
  let rows = 1;
  let perRow = measure(1);
  const memoryBefore = process.memoryUsage.rss();
  while (rows < maxRows && process.memoryUsage.rss() - memoryBefore < memoryBytes) {
    const next = Math.min(maxRows, rows * 2);
    const nextPerRow = measure(next) / next;
    rows = next;
    if (nextPerRow > perRow * (1 - gain)) break;
    perRow = nextPerRow;
  }
  return rows;
}

function runMicros(run: () => unknown): number {
  let fastest = Number.POSITIVE_INFINITY;
  const startedAt = performance.now();
  for (let round = 0; round < roundsMax; round++) {
    const roundAt = performance.now();
    run();
    fastest = Math.min(fastest, performance.now() - roundAt);
    if (round > 0 && performance.now() - startedAt > roundsMs) break;
  }
  return fastest * 1e3;
}
