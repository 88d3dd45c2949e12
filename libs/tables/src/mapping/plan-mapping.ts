import { SlipwayError, type TensorSignature } from '@slipway/contracts';
import type { TableHead } from '../table.js';
import type { ColumnRef, InputPlan, MappedModel, Mapping, MappingWish } from './mapping.js';

/**
 * Decides where the model's inputs come from:
 * 1. `columns` stated: they make up the one input, in that order.
 * 2. Every input has a column of its name.
 * 3. One input that takes a list: the columns that the model's file names; else all columns but the ids, in the order of the file.
 * 4. Rows without names (NDJSON): each is the value of the one input.
 * @throws SlipwayError TABLE_MAPPING_REFUSED with what was expected and what the file has.
 */
export function planMapping(head: TableHead, model: MappedModel, wish: MappingWish): Mapping {
  const inputs = model.inputs.filter((input) => input.optional !== true);
  if (inputs.length === 0) throw refused('the model takes no input, so there is nothing to make of the rows');
  if (head.kind === 'values') return planValues(inputs, model, wish);
  const columns = new Columns(head);
  const ids = wish.idColumns.map((name) => columns.find(name, 'idColumns'));
  if (wish.columns !== undefined) return { ids, inputs: [planStated(inputs, model, wish.columns, columns)] };
  if (inputs.every((input) => columns.has(input.name))) {
    return { ids, inputs: inputs.map((input) => planColumn(input, model, columns.find(input.name, 'inputs'))) };
  }
  return { ids, inputs: [planRest(inputs, model, columns, wish)] };
}

function planValues(inputs: readonly TensorSignature[], model: MappedModel, wish: MappingWish): Mapping {
  const named = wish.columns !== undefined ? 'columns' : wish.idColumns.length > 0 ? 'idColumns' : undefined;
  if (named !== undefined) throw refused(`${named}: the rows of the file are bare values, which have no names; expected objects`);
  const input = only(inputs, 'the rows of the file are bare values, which only a model with one input can take');
  return { ids: [], inputs: [{ input, rowShape: rowShapeOf(input, model), source: { kind: 'row' } }] };
}

function planStated(inputs: readonly TensorSignature[], model: MappedModel, names: readonly string[], columns: Columns): InputPlan {
  const input = only(inputs, '"columns" makes up one input');
  return planColumns(
    input,
    rowShapeOf(input, model),
    names.map((name) => columns.find(name, 'columns')),
  );
}

function planColumn(input: TensorSignature, model: MappedModel, column: ColumnRef): InputPlan {
  return { input, rowShape: rowShapeOf(input, model), source: { kind: 'column', column } };
}

function planRest(inputs: readonly TensorSignature[], model: MappedModel, columns: Columns, wish: MappingWish): InputPlan {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    const missing = inputs.filter((each) => !columns.has(each.name)).map((each) => quote(each.name));
    throw refused(
      `the model takes ${list(inputs.map((each) => quote(each.name)))}; the file has no column ${list(missing)} (it has ${columns.shown})`,
    );
  }
  const rowShape = rowShapeOf(input, model);
  const { featureNames } = model;
  if (featureNames?.every((name) => columns.has(name)))
    return planColumns(
      input,
      rowShape,
      featureNames.map((name) => columns.find(name, 'columns')),
    );
  const rest = columns.without(wish.idColumns);
  const expected = valuesPerRow(rowShape);
  if (rowShape.length > 1)
    throw refused(
      `input ${quote(input.name)} takes ${describe(input, rowShape)} per row: expected a column ${quote(input.name)} with lists; the file has ${columns.shown}`,
    );
  if (expected !== -1 && expected !== rest.length) {
    throw refused(
      `input ${quote(input.name)} takes ${expected} values per row; the file has ${rest.length} columns${wish.idColumns.length > 0 ? ' beside the ids' : ''} (${columns.shown}). Name the ${expected} in "columns", or the others in "idColumns"`,
    );
  }
  return planColumns(input, rowShape, rest);
}

function planColumns(input: TensorSignature, rowShape: readonly number[], columns: readonly ColumnRef[]): InputPlan {
  const expected = valuesPerRow(rowShape);
  const [first] = columns;
  // One column may hold the whole row of the input, as a value or as a list.
  if (columns.length === 1 && first !== undefined && expected !== 1) return { input, rowShape, source: { kind: 'column', column: first } };
  if (rowShape.length > 1)
    throw refused(`input ${quote(input.name)} takes ${describe(input, rowShape)} per row, which columns of single values cannot make up`);
  if (expected !== -1 && expected !== columns.length)
    throw refused(`input ${quote(input.name)} takes ${expected} values per row; "columns" names ${columns.length}`);
  return { input, rowShape, source: { kind: 'columns', columns } };
}

function rowShapeOf(input: TensorSignature, { hasRows }: MappedModel): readonly number[] {
  return hasRows ? input.shape.slice(1) : input.shape;
}

/** -1 when it is open. */
function valuesPerRow(rowShape: readonly number[]): number {
  return rowShape.some((dimension) => dimension < 0) ? -1 : rowShape.reduce((product, dimension) => product * dimension, 1);
}

function only(inputs: readonly TensorSignature[], why: string): TensorSignature {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) throw refused(`${why}; this one takes ${list(inputs.map((each) => quote(each.name)))}`);
  return input;
}

/** Columns by name. Where rows are objects of their own, any name may turn up later, so a name that is looked for is believed. */
class Columns {
  private readonly places = new Map<string, number>();
  private readonly doubled = new Set<string>();

  constructor(private readonly head: Exclude<TableHead, { kind: 'values' }>) {
    for (const [index, name] of head.names.entries()) {
      if (this.places.has(name)) this.doubled.add(name);
      else this.places.set(name, index);
    }
  }

  get shown(): string {
    return list(this.head.names.map(quote));
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  find(name: string, where: string): ColumnRef {
    if (this.doubled.has(name)) throw refused(`${where}: the file has several columns ${quote(name)}`);
    if (this.head.kind === 'objects') return { name, index: undefined };
    const index = this.places.get(name);
    if (index === undefined) throw refused(`${where}: the file has no column ${quote(name)} (it has ${this.shown})`);
    return { name, index };
  }

  without(names: readonly string[]): ColumnRef[] {
    const left = new Set(names);
    const isTable = this.head.kind === 'columns';
    return this.head.names.flatMap((name, index) => (left.has(name) ? [] : [{ name, index: isTable ? index : undefined }]));
  }
}

function describe(input: TensorSignature, rowShape: readonly number[]): string {
  return `${input.datatype} [${rowShape.join(',')}]`;
}

function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}

/** Names for a message, cut where there are many. */
function list(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
}

function refused(message: string): SlipwayError {
  return new SlipwayError('TABLE_MAPPING_REFUSED', message);
}
