const cells = 256;

/**
 * Finds the bin of a value among ascending edges: how many of them are at or below it. The range is cut into equal cells, most of which no edge
 * lies in, so that a value's cell says its bin without a comparison that the processor guesses wrong half of the time; the rest is a binary
 * search among the edges of the cell. Exact, because rounding keeps the order of values, and edges are put into cells as values are.
 */
export class BinFinder {
  /** By cell: edges in cells before it, and those up to its end. */
  private readonly before = new Uint16Array(cells);
  private readonly upTo = new Uint16Array(cells);
  private readonly first: number;
  private readonly last: number;
  private readonly perUnit: number;

  constructor(private readonly edges: Float64Array) {
    this.first = edges[0] ?? 0;
    this.last = edges.at(-1) ?? 0;
    const perUnit = cells / (this.last - this.first);
    // One cell for all where the range is nothing or more than a double holds.
    this.perUnit = Number.isFinite(perUnit) ? perUnit : 0;
    for (const edge of edges) {
      const cell = Math.min(cells - 1, this.cellOf(edge));
      for (let index = 0; index < cells; index++) {
        if (index > cell) this.before[index] = (this.before[index] ?? 0) + 1;
        if (index >= cell) this.upTo[index] = (this.upTo[index] ?? 0) + 1;
      }
    }
  }

  /** @param value a finite one */
  find(value: number): number {
    const { edges } = this;
    if (value < this.first) return 0;
    if (value >= this.last) return edges.length;
    const cell = Math.min(cells - 1, this.cellOf(value));
    let low = this.before[cell] ?? 0;
    let high = this.upTo[cell] ?? 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((edges[middle] ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private cellOf(value: number): number {
    return this.perUnit === 0 ? 0 : Math.floor((value - this.first) * this.perUnit);
  }
}
