import type { TensorSignature } from '@slipway/contracts';
import type { OutputTensor } from '../requests/infer-answer.js';

/** The part of an output that belongs to one row. */
export interface RowValue {
  readonly name: string;
  /** Shape without the axis of rows. */
  readonly shape: readonly number[];
  readonly at: (index: number) => number | bigint | boolean | string;
}

/** Whether every output has one entry per row, so that an answer to several rows can be taken apart. */
export function answersByRow(outputs: readonly OutputTensor[], rows: number): boolean {
  return outputs.every((output) => output.shape[0] === rows);
}

/**
 * What an answer says about one of its rows.
 * @param row place of the row in the request
 * @param rows of the request, counted along axis 0; undefined where nothing counts rows and the answer belongs to the one row as a whole. So
 * does an output without that axis.
 */
export function valuesOfRow(outputs: readonly OutputTensor[], row: number, rows: number | undefined): RowValue[] {
  return outputs.map(({ name, shape, at }) => {
    if (rows === undefined || shape[0] !== rows) return { name, shape, at };
    const rowShape = shape.slice(1);
    const count = rowShape.reduce((product, dimension) => product * dimension, 1);
    return { name, shape: rowShape, at: (index) => at(row * count + index) };
  });
}

/** Whether an output has one value per row by its signature; it is then written without a list around it. */
export function isSingle(output: TensorSignature, hasRows: boolean): boolean {
  const rowShape = hasRows ? output.shape.slice(1) : output.shape;
  return output.unranked !== true && rowShape.every((dimension) => dimension === 1);
}
