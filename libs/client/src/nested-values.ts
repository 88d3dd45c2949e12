import { elementCount } from './datatypes.js';
import type { Datatype } from './generated/contract.js';
import { isRow, isTyped, type NestedValues, type TensorElement, type TypedValues } from './tensor-input.js';

/** Deeper nesting than any tensor has. */
const maxRank = 64;

type Fail = (message: string) => Error;
type Row = TypedValues | readonly NestedValues[];

/** The shape that the nesting itself has, along the first of each; whether all rows are alike shows when they are visited. */
export function shapeOfValues(values: NestedValues, datatype: Datatype, fail: Fail): number[] {
  const shape: number[] = [];
  let at: NestedValues | undefined = values;
  while (at !== undefined && isRow(at, datatype)) {
    shape.push(at.length);
    if (shape.length > maxRank) throw fail(`is nested deeper than ${maxRank} lists`);
    at = isTyped(at) ? undefined : at[0];
  }
  return shape;
}

export interface Visit {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly element: (at: number, value: TensorElement) => void;
  readonly fail: Fail;
}

/** Gives each value in row-major order. The values are nested as the shape says, or one flat list, or for a scalar a value alone. */
export function visitValues(values: NestedValues, visit: Visit): void {
  const { datatype, shape, fail } = visit;
  if (!isRow(values, datatype)) {
    if (shape.length > 0) throw fail(`expected a list for shape ${JSON.stringify(shape)}, given a single value`);
    visitElement(values, 0, visit);
    return;
  }
  if (isFlat(values, datatype)) {
    const count = elementCount(shape);
    if (values.length !== count) throw fail(`expected ${count} values for shape ${JSON.stringify(shape)}, given ${values.length}`);
    for (let at = 0; at < count; at++) visitElement(values[at], at, visit);
    return;
  }
  visitRow(values, 0, 0, visit);
}

function isFlat(row: Row, datatype: Datatype): boolean {
  const first = row[0];
  return isTyped(row) || first === undefined || !isRow(first, datatype);
}

/** @param start the place of the row's first value in the tensor */
function visitRow(row: Row, depth: number, start: number, visit: Visit): void {
  const { datatype, shape, fail } = visit;
  const size = shape[depth];
  if (size === undefined) throw fail(`is nested deeper than its shape ${JSON.stringify(shape)}`);
  if (row.length !== size) throw fail(`expected ${size} items at depth ${depth + 1} of the nesting, given ${row.length}`);
  const isLast = depth === shape.length - 1;
  const step = isLast ? 1 : elementCount(shape.slice(depth + 1));
  for (let index = 0; index < size; index++) {
    const item = row[index];
    const at = start + index * step;
    if (isLast) visitElement(item, at, visit);
    else if (item !== undefined && isRow(item, datatype)) visitRow(item, depth + 1, at, visit);
    else throw fail(`expected a list at depth ${depth + 2} of the nesting, given a single value`);
  }
}

function visitElement(value: NestedValues | undefined, at: number, visit: Visit): void {
  if (value === undefined || value === null) throw visit.fail(`has no value at element ${at}`);
  if (isRow(value, visit.datatype)) throw visit.fail(`is nested deeper than its shape ${JSON.stringify(visit.shape)}`);
  visit.element(at, value);
}
