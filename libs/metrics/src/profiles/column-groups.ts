import type { ColumnLayout, Signature, Task, TensorSignature } from '@slipway/contracts';
import { channelsOf, columnsPerRow, rowAxisOf } from './build-layout.js';
import { CategoryCounter, NumericCounter } from './column-counters.js';
import { copyNumbers, isTexts, type ProfiledTensor } from './profiled-tensor.js';
import { PredictionReader, predictionColumn, scoreColumn } from './read-predictions.js';
import { type Channels, numbersPerChannel, summariseRow, summariseTexts } from './summarise-row.js';

/** Rows of a request: which of them, of how many. */
export interface RowSpan {
  readonly from: number;
  readonly rows: number;
  readonly all: number;
}

/** Where the rows of one group lie until they are counted: `width` values per row, numbers or texts. */
export interface GroupRows {
  readonly numbers: Float64Array;
  readonly texts: string[] | undefined;
}

export type Counter = NumericCounter | CategoryCounter;

/** One column of a group. `isText`: its values lie in the texts. */
export interface GroupColumn {
  /** Place in the layout. */
  readonly place: number;
  readonly offset: number;
  readonly isText: boolean;
  readonly counter: Counter;
  /** The text of a number, where the column is one of categories. */
  readonly textOf: ((value: number) => string) | undefined;
}

/** Columns that are read together: those of one tensor, or what the task predicts. */
export interface ColumnGroup {
  readonly side: 'input' | 'output';
  readonly width: number;
  readonly hasTexts: boolean;
  readonly columns: readonly GroupColumn[];
  /** Copies rows out of the tensors; false when they are not there as they should be. */
  read(tensors: readonly ProfiledTensor[], span: RowSpan, to: GroupRows, at: number): boolean;
}

/** What a layout's columns are read from. Columns of tensors that the signature lacks are in no group. */
export function columnGroups(columns: readonly ColumnLayout[], signature: Signature, task: Task | undefined): ColumnGroup[] {
  const rowAxis = rowAxisOf(signature, task);
  const placed = columns.map((column, place) => ({ column, place }));
  const isOfTask = ({ column }: Placed) => column.name === predictionColumn || column.name === scoreColumn;
  const groups: ColumnGroup[] = [];
  for (const side of ['input', 'output'] as const) {
    const tensors = side === 'input' ? signature.inputs : signature.outputs;
    for (const [position, tensor] of tensors.entries()) {
      const own = placed.filter((each) => !isOfTask(each) && each.column.side === side && each.column.tensor === tensor.name);
      if (own.length === 0) continue;
      const isSummary = own.some(({ column }) => column.summary !== undefined);
      groups.push(isSummary ? summaryGroup(side, tensor, position, own, channelsOf(tensor, rowAxis)) : valueGroup(side, tensor, position, own));
    }
  }
  const ofTask = placed.filter(isOfTask);
  if (task !== undefined && ofTask.length > 0) groups.push(predictionGroup(signature, task, ofTask));
  return groups;
}

interface Placed {
  readonly column: ColumnLayout;
  readonly place: number;
}

/** By position first: requests nearly always have the order of the signature. */
function tensorOf(tensors: readonly ProfiledTensor[], position: number, name: string): ProfiledTensor | undefined {
  const likely = tensors[position];
  return likely?.name === name ? likely : tensors.find((tensor) => tensor.name === name);
}

function valueGroup(side: 'input' | 'output', tensor: TensorSignature, position: number, own: readonly Placed[]): ColumnGroup {
  const width = Math.max(...own.map(({ column }) => column.index ?? 0)) + 1;
  const hasTexts = tensor.datatype === 'BYTES';
  const isHalf = tensor.datatype === 'FP16';
  const textOf = tensor.datatype === 'BOOL' ? (value: number) => (value === 0 ? 'false' : 'true') : String;
  return {
    side,
    width,
    hasTexts,
    columns: own.map(({ column, place }) => groupColumn(column, place, column.index ?? 0, hasTexts, textOf)),
    read: (tensors, { from, rows, all }, to, at) => {
      const found = tensorOf(tensors, position, tensor.name);
      if (found === undefined || found.data.length !== all * width || isTexts(found.data) !== hasTexts) return false;
      if (isTexts(found.data)) copyTexts(found.data, from * width, rows * width, to.texts ?? [], at * width);
      else copyNumbers(found.data, isHalf, from * width, rows * width, to.numbers, at * width);
      return true;
    },
  };
}

function copyTexts(data: readonly string[], from: number, count: number, target: string[], at: number): void {
  for (let index = 0; index < count; index++) target[at + index] = data[from + index] ?? '';
}

function groupColumn(column: ColumnLayout, place: number, offset: number, isText: boolean, textOf: (value: number) => string): GroupColumn {
  if (column.kind === 'numeric') return { place, offset, isText, counter: new NumericCounter(column), textOf: undefined };
  return { place, offset, isText, counter: new CategoryCounter(column, textOf), textOf };
}

const summaryOffsets = { mean: 0, sd: 1, min: 2, max: 3, zeros: 4, missing: 5, count: 1 } as const;

function summaryGroup(side: 'input' | 'output', tensor: TensorSignature, position: number, own: readonly Placed[], channels: Channels): ColumnGroup {
  const areTexts = tensor.datatype === 'BYTES';
  const width = areTexts ? 2 : channels.count * numbersPerChannel;
  const offsetOf = ({ index, summary }: ColumnLayout): number => {
    if (areTexts) return summary === 'count' ? summaryOffsets.count : 0;
    return (index ?? 0) * numbersPerChannel + summaryOffsets[summary ?? 'mean'];
  };
  return {
    side,
    width,
    hasTexts: false,
    columns: own.map(({ column, place }) => groupColumn(column, place, offsetOf(column), false, String)),
    read: (tensors, { from, rows, all }, to, at) => {
      const found = tensorOf(tensors, position, tensor.name);
      const perRow = found === undefined ? 0 : found.data.length / all;
      if (found === undefined || !Number.isInteger(perRow) || isTexts(found.data) !== areTexts) return false;
      for (let row = 0; row < rows; row++) {
        const start = (from + row) * perRow;
        if (areTexts) summariseTexts(found, start, perRow, to.numbers, (at + row) * width);
        else summariseRow(found, start, perRow, channels, to.numbers, (at + row) * width);
      }
      return true;
    },
  };
}

function predictionGroup(signature: Signature, task: Task, own: readonly Placed[]): ColumnGroup {
  const reader = new PredictionReader(task);
  const positionOf = (name: string | undefined) => signature.outputs.findIndex((output) => output.name === name);
  const [labelAt, scoreAt] = [positionOf(task.predictionOutput), positionOf(task.scoreOutput)];
  const label = signature.outputs[labelAt];
  const score = signature.outputs[scoreAt];
  const hasTexts = label?.datatype === 'BYTES';
  const textOf = (value: number) => reader.textOf(value, label !== undefined);
  // Numbers and scores lie side by side; texts have every second place too, so that one width does for both.
  return {
    side: 'output',
    width: 2,
    hasTexts,
    columns: own.map(({ column, place }) =>
      column.name === scoreColumn
        ? groupColumn(column, place, 1, false, String)
        : groupColumn(column, place, 0, hasTexts && column.kind === 'categorical', textOf),
    ),
    read: (tensors, span, to, at) => {
      const labels = label === undefined ? undefined : tensorOf(tensors, labelAt, label.name);
      const scores = score === undefined ? undefined : tensorOf(tensors, scoreAt, score.name);
      if (labels === undefined && (label !== undefined || scores === undefined)) return false;
      reader.read(labels, scores, span, to, at);
      return true;
    },
  };
}

/** Rows that are gathered before they are counted column by column: the wider, the fewer, 512 KiB at most. */
export function blockRows(groups: readonly ColumnGroup[]): number {
  const width = groups.reduce((sum, group) => sum + group.width, 0);
  return Math.max(16, Math.min(columnsPerRow, Math.floor(65_536 / Math.max(1, width))));
}
