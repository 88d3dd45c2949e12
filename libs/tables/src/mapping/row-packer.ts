import type { Block, BlockFault, Segment } from '../blocks/block.js';
import type { TableRow } from '../table.js';
import type { ColumnRef, InputPlan, Mapping } from './mapping.js';
import { show, type ValueFault, ValueSink } from './value-sink.js';

interface Fault extends ValueFault {
  readonly column?: string | undefined;
}

/** Packs rows into blocks of tensors. Rows of one segment have the same shapes, so that they can travel in one request. */
export class RowPacker {
  private readonly parts: InputPart[];
  private rows = 0;
  private faults: BlockFault[] = [];
  private ids: unknown[][] = [];
  private segments: Segment[] = [];
  private open: number[] = [];

  constructor(private readonly mapping: Mapping) {
    this.parts = mapping.inputs.map((plan) => new InputPart(plan));
  }

  /** Rows since the last `take`. */
  get size(): number {
    return this.rows;
  }

  /** Bytes of tensors since the last `take`. */
  get bytes(): number {
    return this.parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  add(row: TableRow): void {
    const index = this.rows;
    this.rows += 1;
    if (this.mapping.ids.length > 0) this.ids.push(this.mapping.ids.map((id) => plain(row.kind === 'fault' ? undefined : cellOf(row, id))));
    const fault = row.kind === 'fault' ? row : this.read(row);
    if (fault !== undefined)
      this.faults.push({ index, column: 'column' in fault ? fault.column : undefined, expected: fault.expected, given: fault.given });
    else this.accept(index);
  }

  /** What was packed, as a block whose first row has this number. */
  take(firstRow: number, end: Block['end']): Block {
    this.closeSegment();
    const block: Block = { firstRow, rows: this.rows, end, faults: this.faults, ids: this.ids, segments: this.segments };
    this.rows = 0;
    this.faults = [];
    this.ids = [];
    this.segments = [];
    return block;
  }

  private read(row: Exclude<TableRow, { kind: 'fault' }>): Fault | undefined {
    for (const part of this.parts) part.begin();
    for (const part of this.parts) {
      const fault = part.read(row);
      if (fault === undefined) continue;
      for (const each of this.parts) each.undo();
      return fault;
    }
    return undefined;
  }

  /** The row just read stays; where its shapes differ from the ones before it, those become a segment of their own. */
  private accept(index: number): void {
    if (this.open.length > 0 && this.parts.some((part) => !part.fits)) {
      const kept = this.parts.map((part) => part.setAside());
      this.closeSegment();
      for (const [at, part] of this.parts.entries()) part.putBack(kept[at]);
    }
    for (const part of this.parts) part.commit();
    this.open.push(index);
  }

  private closeSegment(): void {
    if (this.open.length === 0) return;
    this.segments.push({ rows: this.open, inputs: this.parts.map((part) => part.take()) });
    this.open = [];
  }
}

interface SetAside {
  readonly bytes: Buffer;
  readonly shape: readonly number[];
}

/** One input of the segment in the making. */
class InputPart {
  private readonly sink: ValueSink;
  private readonly isText: boolean;
  private ends: number[] = [];
  private committed = 0;
  private segmentShape: readonly number[] | undefined;
  private shape: number[] = [];

  constructor(private readonly plan: InputPlan) {
    this.sink = new ValueSink(plan.input.datatype);
    this.isText = plan.input.datatype === 'BYTES';
  }

  get bytes(): number {
    return this.sink.size;
  }

  /** Whether the row just read has the shape of those before it. */
  get fits(): boolean {
    return this.segmentShape === undefined || sameShape(this.segmentShape, this.shape);
  }

  begin(): void {
    this.committed = this.sink.size;
    this.shape = [...this.plan.rowShape];
  }

  undo(): void {
    this.sink.rewind(this.committed);
  }

  commit(): void {
    this.segmentShape ??= this.shape;
    this.committed = this.sink.size;
    if (this.isText) this.ends.push(this.sink.size);
  }

  take(): Segment['inputs'][number] {
    const { name, datatype } = this.plan.input;
    const taken = { name, datatype, rowShape: this.segmentShape ?? [], ...(this.isText ? { ends: this.ends } : {}), data: this.sink.take() };
    this.ends = [];
    this.committed = 0;
    this.segmentShape = undefined;
    return taken;
  }

  /** Takes the row that is read and not yet committed out of the segment. */
  setAside(): SetAside {
    const bytes = this.sink.since(this.committed);
    this.sink.rewind(this.committed);
    return { bytes, shape: this.shape };
  }

  putBack(row: SetAside | undefined): void {
    if (row === undefined) return;
    this.sink.append(row.bytes);
    this.shape = [...row.shape];
  }

  read(row: Exclude<TableRow, { kind: 'fault' }>): Fault | undefined {
    const { source } = this.plan;
    switch (source.kind) {
      case 'row':
        return row.kind === 'value' ? this.readValue(row.value, undefined) : { expected: 'a bare value', given: 'cells' };
      case 'column': {
        const name = source.column.name;
        if (row.kind === 'value' && !isObject(row.value)) return { expected: `an object with ${JSON.stringify(name)}`, given: show(row.value) };
        return this.readValue(cellOf(row, source.column), name);
      }
      case 'columns':
        return this.readCells(row, source.columns);
    }
  }

  private readCells(row: Exclude<TableRow, { kind: 'fault' }>, columns: readonly ColumnRef[]): Fault | undefined {
    if (row.kind === 'value' && !isObject(row.value)) return { expected: 'an object with the columns by name', given: show(row.value) };
    for (const column of columns) {
      const fault = this.sink.push(cellOf(row, column));
      if (fault !== undefined) return { ...fault, column: column.name };
    }
    // An input without any axis of its own per row, [-1], takes its one column as it is.
    if (this.shape.length > 0) this.shape[0] = columns.length;
    return undefined;
  }

  private readValue(value: unknown, column: string | undefined): Fault | undefined {
    const whole = typeof value === 'string' && this.shape.length > 0 ? listFromText(value) : value;
    if (this.shape.length === 0) return named(this.sink.push(whole), column);
    if (!isList(whole)) {
      // A single value is as good as a list of one.
      if (this.shape.every((dimension) => dimension === 1 || dimension === -1) && whole !== undefined && whole !== null && !isObject(whole)) {
        this.shape.fill(1);
        return named(this.sink.push(whole), column);
      }
      return { column, expected: this.wanted, given: show(value) };
    }
    if (this.shape.length > 1 && !isList(whole[0]) && this.isFixed) return this.readFlat(whole, column);
    return this.readNested(whole, 0, column);
  }

  /** A fixed shape may also be given as one flat list, row by row. */
  private readFlat(values: ListLike, column: string | undefined): Fault | undefined {
    const count = this.shape.reduce((product, dimension) => product * dimension, 1);
    if (values.length !== count) return { column, expected: this.wanted, given: `a list of ${values.length}` };
    return this.pushAll(values, column);
  }

  private readNested(values: ListLike, axis: number, column: string | undefined): Fault | undefined {
    const expected = this.shape[axis];
    if (expected === -1) this.shape[axis] = values.length;
    else if (expected !== values.length)
      return { column, expected: this.wanted, given: `a list of ${values.length}${axis > 0 ? ` at depth ${axis + 1}` : ''}` };
    if (axis === this.shape.length - 1) return this.pushAll(values, column);
    for (let index = 0; index < values.length; index += 1) {
      const inner = values[index];
      if (!isList(inner)) return { column, expected: this.wanted, given: `${show(inner)} at depth ${axis + 2}` };
      const fault = this.readNested(inner, axis + 1, column);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  private pushAll(values: ListLike, column: string | undefined): Fault | undefined {
    for (let index = 0; index < values.length; index += 1) {
      const fault = this.sink.push(values[index]);
      if (fault !== undefined) return { column, expected: `${fault.expected} as value ${index + 1} of the list`, given: fault.given };
    }
    return undefined;
  }

  private get isFixed(): boolean {
    return this.plan.rowShape.every((dimension) => dimension >= 0);
  }

  private get wanted(): string {
    const { rowShape } = this.plan;
    const [length] = rowShape;
    if (rowShape.length === 1) return length === -1 ? 'a list' : `a list of ${length}`;
    return `lists of shape [${rowShape.join(',')}]`;
  }
}

interface ListLike {
  readonly length: number;
  readonly [index: number]: unknown;
}

function isList(value: unknown): value is ListLike {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** A plain object, as JSON has them. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !isList(value) && !(value instanceof Date);
}

/** CSV has no lists, so people write them as JSON. */
function listFromText(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function cellOf(row: Exclude<TableRow, { kind: 'fault' }>, column: ColumnRef): unknown {
  if (row.kind === 'cells') return column.index === undefined ? undefined : row.cells[column.index];
  return isObject(row.value) && Object.hasOwn(row.value, column.name) ? row.value[column.name] : undefined;
}

function named(fault: ValueFault | undefined, column: string | undefined): Fault | undefined {
  return fault === undefined ? undefined : { ...fault, column };
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

/** An id as JSON keeps it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isList(value)) return Array.from(value, plain);
  return value ?? null;
}
