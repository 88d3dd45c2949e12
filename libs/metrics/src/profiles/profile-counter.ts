import type { Profile, ProfileLayout, Signature, Task } from '@slipway/contracts';
import { rowAxisOf } from './build-layout.js';
import { CategoryCounter } from './column-counters.js';
import { blockRows, type ColumnGroup, columnGroups, type GroupRows } from './column-groups.js';
import { emptyCounts } from './merge-profiles.js';
import type { ProfiledTensor } from './profiled-tensor.js';

/** Inputs of one request, copied out before their memory is given away. */
export interface HeldInputs {
  readonly rows: number;
  /** By group; undefined for one that is not there as it should be. */
  readonly groups: readonly (GroupRows | undefined)[];
}

/** Sees rows just before they are counted, by group; for what is learned from raw values. `places`: columns of the layout. */
export type BlockListener = (groups: readonly ColumnGroup[], values: readonly GroupRows[], rows: number, places: number) => void;

/**
 * Counts what a version was asked and what it answered, row by row, in one layout. Rows are copied into a block first and counted column by
 * column when it is full or looked at: a request then costs little more than the copy. Input values that are not there are missing; outputs
 * that were not run are not counted. Its memory is bounded by the layout.
 */
export class ProfileCounter {
  /** Rows added so far, those included that lie in the block. */
  rows = 0;
  private readonly groups: readonly ColumnGroup[];
  private readonly block: readonly GroupRows[];
  private readonly absent: number[];
  private readonly capacity: number;
  private readonly rowAxis: number | null;
  private inBlock = 0;

  constructor(
    readonly layout: ProfileLayout,
    signature: Signature,
    task: Task | undefined,
    private readonly onBlock?: BlockListener,
  ) {
    this.groups = columnGroups(layout.columns, signature, task);
    this.capacity = blockRows(this.groups);
    this.block = this.groups.map((group) => roomFor(group, this.capacity));
    this.absent = this.groups.map(() => 0);
    this.rowAxis = rowAxisOf(signature, task);
  }

  /** Adds the rows of an answered request. */
  add(inputs: readonly ProfiledTensor[] | HeldInputs, outputs: readonly ProfiledTensor[]): void {
    const held = 'groups' in inputs ? inputs : undefined;
    const tensors = 'groups' in inputs ? [] : inputs;
    const all = held === undefined ? this.rowsOf(tensors) : held.rows;
    for (let from = 0; from < all; ) {
      const rows = Math.min(all - from, this.capacity - this.inBlock);
      const span = { from, rows, all };
      for (let index = 0; index < this.groups.length; index++) {
        const group = this.groups[index];
        const to = this.block[index];
        if (group === undefined || to === undefined) continue;
        const isThere =
          group.side === 'output'
            ? group.read(outputs, span, to, this.inBlock)
            : held === undefined
              ? group.read(tensors, span, to, this.inBlock)
              : copyHeld(held.groups[index], group.width, span, to, this.inBlock);
        if (!isThere) this.leaveOut(index, group, to, rows);
      }
      this.inBlock += rows;
      this.rows += rows;
      from += rows;
      if (this.inBlock === this.capacity) this.fold();
    }
  }

  /** Copies what will be counted of inputs whose memory is about to be given away; the rest is as in `add`. */
  hold(inputs: readonly ProfiledTensor[]): HeldInputs {
    const rows = this.rowsOf(inputs);
    const groups = this.groups.map((group) => {
      if (group.side === 'output') return undefined;
      const own = roomFor(group, rows);
      return group.read(inputs, { from: 0, rows, all: rows }, own, 0) ? own : undefined;
    });
    return { rows, groups };
  }

  /** Everything so far. */
  toProfile(): Profile {
    this.fold();
    const columns = this.layout.columns.map(({ edges, categories, kind }) =>
      emptyCounts(kind === 'categorical' ? (categories?.length ?? 0) + 1 : edges === undefined ? 0 : edges.length + 1),
    );
    for (const group of this.groups) for (const { place, counter } of group.columns) columns[place] = counter.toCounts();
    return { layout: this.layout.id, rows: this.rows, columns };
  }

  private rowsOf(inputs: readonly ProfiledTensor[]): number {
    return this.rowAxis === null ? 1 : (inputs[0]?.shape[this.rowAxis] ?? 1);
  }

  private leaveOut(index: number, { width, side }: ColumnGroup, { numbers, texts }: GroupRows, rows: number): void {
    const [start, end] = [this.inBlock * width, (this.inBlock + rows) * width];
    numbers.fill(Number.NaN, start, end);
    if (texts !== undefined) for (let at = start; at < end; at++) texts[at] = '';
    if (side === 'output') this.absent[index] = (this.absent[index] ?? 0) + rows;
  }

  private fold(): void {
    const rows = this.inBlock;
    if (rows === 0) return;
    this.inBlock = 0;
    this.onBlock?.(this.groups, this.block, rows, this.layout.columns.length);
    for (let index = 0; index < this.groups.length; index++) {
      const [group, values] = [this.groups[index], this.block[index]];
      if (group !== undefined && values !== undefined) foldGroup(group, values, rows, this.absent[index] ?? 0);
      this.absent[index] = 0;
    }
  }
}

function foldGroup({ columns, width }: ColumnGroup, { numbers, texts }: GroupRows, rows: number, absent: number): void {
  for (const { counter, offset, isText } of columns) {
    if (!(counter instanceof CategoryCounter)) counter.fold(numbers, offset, width, rows, absent);
    else if (isText) counter.foldTexts(texts ?? [], offset, width, rows, absent);
    else counter.foldNumbers(numbers, offset, width, rows, absent);
  }
}

function roomFor({ width, hasTexts }: ColumnGroup, rows: number): GroupRows {
  const count = width * rows;
  return { numbers: new Float64Array(count), texts: hasTexts ? new Array<string>(count).fill('') : undefined };
}

function copyHeld(held: GroupRows | undefined, width: number, span: { from: number; rows: number }, to: GroupRows, at: number): boolean {
  if (held === undefined) return false;
  const [start, end] = [span.from * width, (span.from + span.rows) * width];
  to.numbers.set(held.numbers.subarray(start, end), at * width);
  if (held.texts !== undefined && to.texts !== undefined)
    for (let index = start; index < end; index++) to.texts[at * width + index - start] = held.texts[index] ?? '';
  return true;
}
