/** Weight of the newest run against all before it; some fifty runs count. */
const decay = 0.98;
/** Beyond this relative gain per row, a larger run only makes everybody wait for longer. */
const worthwhile = 1.1;

interface Sums {
  weight: number;
  rows: number;
  micros: number;
  rowsRows: number;
  rowsMicros: number;
}

/**
 * What a run costs by its rows: a fixed part and a part per row, fitted by least squares over the warm-up and, weighted towards the latest,
 * over what was run since. The warm-up's runs keep their weight: under an even load all runs have the same size, which alone tells nothing
 * about the slope. Microseconds throughout.
 */
export class CostModel {
  private readonly warm: Sums = zero();
  private readonly live: Sums = zero();
  private fixed = 0;
  private perRow = 0;

  /** Cost that does not depend on the rows; what joining saves per request that joins. */
  get fixedMicros(): number {
    return this.fixed;
  }

  /** Notes a run of the warm-up. */
  seed(rows: number, micros: number): void {
    add(this.warm, rows, micros);
    this.fit();
  }

  /** Notes a run of real requests. */
  learn(rows: number, micros: number): void {
    const { live } = this;
    live.weight *= decay;
    live.rows *= decay;
    live.micros *= decay;
    live.rowsRows *= decay;
    live.rowsMicros *= decay;
    add(live, rows, micros);
    this.fit();
  }

  /** What a run of so many rows will cost; 0 while nothing is known. */
  predict(rows: number): number {
    return this.fixed + this.perRow * rows;
  }

  /**
   * The smallest number of rows whose cost per row is near that of the largest run: from there on joining makes latency, not throughput.
   * A model whose cost grows with its rows alone gets 1. Solved from (f + p·n)/n ≤ 1.1 · (f + p·max)/max.
   */
  usefulRows(maxRows: number): number {
    const { fixed, perRow } = this;
    const target = worthwhile * (fixed / maxRows + perRow) - perRow;
    if (fixed <= 0 || target <= 0) return 1;
    return Math.min(maxRows, Math.max(1, Math.ceil(fixed / target)));
  }

  private fit(): void {
    const { warm, live } = this;
    const weight = warm.weight + live.weight;
    const meanRows = (warm.rows + live.rows) / weight;
    const meanMicros = (warm.micros + live.micros) / weight;
    const spread = (warm.rowsRows + live.rowsRows) / weight - meanRows * meanRows;
    const together = (warm.rowsMicros + live.rowsMicros) / weight - meanRows * meanMicros;
    // Runs of one size only: how the cost divides is not known, and the cautious belief is that all of it comes from the rows.
    const slope = spread > 1e-9 ? together / spread : meanMicros / Math.max(1, meanRows);
    this.perRow = Math.min(Math.max(0, slope), meanMicros / Math.max(1e-9, meanRows));
    this.fixed = Math.max(0, meanMicros - this.perRow * meanRows);
  }
}

function zero(): Sums {
  return { weight: 0, rows: 0, micros: 0, rowsRows: 0, rowsMicros: 0 };
}

function add(sums: Sums, rows: number, micros: number): void {
  sums.weight += 1;
  sums.rows += rows;
  sums.micros += micros;
  sums.rowsRows += rows * rows;
  sums.rowsMicros += rows * micros;
}
