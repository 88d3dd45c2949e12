/** Rows that wait for the database, at most so many: the oldest go first and are counted. A source for `WindowFlush`. */
export class PendingRows<Row> {
  private rows: Row[] = [];

  constructor(
    private readonly most: number,
    private readonly onDropped: (count: number) => void = () => undefined,
  ) {}

  add(row: Row): void {
    this.rows.push(row);
    if (this.rows.length <= this.most) return;
    this.rows.shift();
    this.onDropped(1);
  }

  takeDirty(): Row[] {
    return [...this.rows];
  }

  acknowledge(written: readonly Row[]): void {
    const done = new Set(written);
    this.rows = this.rows.filter((row) => !done.has(row));
  }
}
