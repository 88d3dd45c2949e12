import { randomUUID } from 'node:crypto';
import type { BlockListener, ColumnValues, LearnedRows } from '@slipway/metrics/profiles';

/** Values that one piece holds at most: 4 MiB of numbers. */
const valuesPerPiece = 524_288;

/** Keeps rows of a version as they are, for a reference to be made of: piece by piece, and no more than are wanted. */
export class RowLearner {
  private columns: (number[] | string[])[] = [];
  private rows = 0;
  private wanted = 0;

  /** @param withheld places of columns whose texts are not to be kept: each value is put down as another one, so that none of them becomes a category. */
  constructor(
    private readonly layoutId: string,
    private readonly withheld: ReadonlySet<number> = new Set(),
  ) {}

  /** So many rows are wanted from now on. */
  want(rows: number): void {
    this.wanted = rows;
    this.rows = 0;
    this.columns = [];
  }

  /** Listens to what is counted. */
  readonly listen: BlockListener = (groups, values, rows, places) => {
    const room = Math.min(this.wanted - this.rows, Math.floor(valuesPerPiece / Math.max(1, places)) - this.rows);
    const more = Math.min(rows, room);
    if (more <= 0) return;
    for (const [index, group] of groups.entries()) {
      const own = values[index];
      if (own === undefined) continue;
      for (const { place, offset, isText, textOf } of group.columns) {
        for (let row = 0; row < more; row++) {
          const at = offset + row * group.width;
          const number = own.numbers[at] ?? Number.NaN;
          if (textOf === undefined) this.push(place, number);
          else this.pushText(place, isText ? (own.texts?.[at] ?? '') : Number.isNaN(number) ? '' : textOf(number));
        }
      }
    }
    this.rows += more;
  };

  /** What was kept since the last piece; undefined when there is nothing. */
  take(): LearnedRows | undefined {
    if (this.rows === 0) return undefined;
    const columns = this.columns.map((values): ColumnValues => (areTexts(values) ? values : Float64Array.from(values)));
    const piece = { layoutId: this.layoutId, rows: this.rows, columns };
    this.wanted -= this.rows;
    this.rows = 0;
    this.columns = [];
    return piece;
  }

  private pushText(place: number, text: string): void {
    this.push(place, text !== '' && this.withheld.has(place) ? randomUUID() : text);
  }

  private push(place: number, value: number | string): void {
    let column = this.columns[place];
    if (column === undefined) {
      column = [];
      this.columns[place] = column;
    }
    // One column has values of one kind: the layout says which.
    if (typeof value === 'string') (column as string[]).push(value);
    else (column as number[]).push(value);
  }
}

function areTexts(values: number[] | string[]): values is string[] {
  return typeof values[0] === 'string';
}
