import type { ProfileLayout, Signature, Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { ProfileCounter } from '@slipway/metrics/profiles';

/** Rows as the columns of a layout have them. */
export interface CollectedColumns {
  /** Columns of numbers. */
  readonly width: number;
  /** Row by row; NaN is missing. */
  readonly numbers: Float64Array;
  /** Row by row, the columns of categories; an empty text is missing. */
  readonly texts: string[][];
}

/** Reads the values of columns out of tensors by the very rules by which live rows are counted. */
export class ColumnCollector {
  private readonly placeOf: readonly number[];
  private readonly width: number;
  private numbers: number[] = [];
  private texts: string[][] = [];

  constructor(
    private readonly layout: ProfileLayout,
    private readonly signature: Signature,
    private readonly task: Task,
  ) {
    const counts = { numeric: 0, categorical: 0 };
    this.placeOf = layout.columns.map(({ kind }) => counts[kind]++);
    this.width = counts.numeric;
  }

  /** The rows of one request. */
  take(inputs: readonly Tensor[], outputs: readonly Tensor[]): CollectedColumns {
    this.numbers = [];
    this.texts = [];
    const counter = new ProfileCounter(this.layout, this.signature, this.task, (groups, values, rows) => {
      for (let row = 0; row < rows; row += 1) this.addRow(groups, values, row);
    });
    counter.add(inputs, outputs);
    counter.toProfile();
    return { width: this.width, numbers: Float64Array.from(this.numbers), texts: this.texts };
  }

  private addRow(groups: Parameters<Listener>[0], values: Parameters<Listener>[1], row: number): void {
    const numbers = new Array<number>(this.width).fill(Number.NaN);
    const texts = new Array<string>(this.layout.columns.length - this.width).fill('');
    for (const [index, { width, columns }] of groups.entries()) {
      const own = values[index];
      if (own === undefined) continue;
      for (const { place, offset, isText, textOf } of columns) {
        const at = row * width + offset;
        const number = own.numbers[at] ?? Number.NaN;
        const to = this.placeOf[place] ?? 0;
        if (textOf === undefined) numbers[to] = number;
        else texts[to] = isText ? (own.texts?.[at] ?? '') : Number.isNaN(number) ? '' : textOf(number);
      }
    }
    this.numbers.push(...numbers);
    this.texts.push(texts);
  }
}

type Listener = NonNullable<ConstructorParameters<typeof ProfileCounter>[3]>;
