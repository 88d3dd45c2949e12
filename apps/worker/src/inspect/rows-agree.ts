import type { Signature, TensorSignature } from '@slipway/contracts';
import { elementCount, fromFloat16, makeNumericData, type Tensor, type TensorData } from '@slipway/inference';

/** Relative difference that different summation orders of the same row may make. */
const tolerance = 1e-5;
const probeRows = 3;

/**
 * Runs a few different rows together and one by one, and compares: run(a‖b) = run(a)‖run(b). A model for which this does not
 * hold mixes its rows (or does not count rows along the first axis), and its requests must never be joined.
 */
export function rowsAgree(run: (inputs: readonly Tensor[]) => readonly Tensor[], signature: Signature): boolean {
  const rows = Array.from({ length: probeRows }, (_, row) => signature.inputs.map((input) => probe(input, row)));
  const alone = rows.map((row) => run(row));
  const together = run(
    signature.inputs.map((input, index) =>
      join(
        input,
        rows.map((row) => row[index]),
      ),
    ),
  );
  return together.every((output, index) => {
    if (output.shape[0] !== probeRows) return false;
    const perRow = elementCount(output.shape.slice(1));
    return alone.every((outputs, row) => sameValues(output, row * perRow, perRow, outputs[index]));
  });
}

function probe(input: TensorSignature, row: number): Tensor {
  const shape = input.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
  const count = elementCount(shape);
  return { name: input.name, datatype: input.datatype, shape, data: probeData(input, count, row) };
}

/** Small values that differ by row: small enough to be valid as indices, classes or probabilities. */
function probeData(input: TensorSignature, count: number, row: number): TensorData {
  if (input.datatype === 'BYTES') return Array.from({ length: count }, () => `row ${row}`);
  const data = makeNumericData(input.datatype, count);
  for (let index = 0; index < count; index++) {
    const digit = (row + index) % 2;
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(digit);
    else if (input.datatype === 'FP16') data[index] = digit === 1 ? 0x3800 : 0x3400;
    else if (input.datatype.startsWith('FP')) data[index] = ((row * 7 + index * 3) % 11) / 10;
    else data[index] = digit;
  }
  return data;
}

function join(input: TensorSignature, rows: readonly (Tensor | undefined)[]): Tensor {
  const [first] = rows;
  const shape = first === undefined ? [] : [rows.length, ...first.shape.slice(1)];
  return { name: input.name, datatype: input.datatype, shape, data: joinData(input, rows, elementCount(shape)) };
}

function joinData(input: TensorSignature, rows: readonly (Tensor | undefined)[], count: number): TensorData {
  const values = rows.flatMap((row) => Array.from<string | number | bigint>(row?.data ?? []));
  if (input.datatype === 'BYTES') return values.map(String);
  const data = makeNumericData(input.datatype, count);
  values.forEach((value, index) => {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[index] = BigInt(value);
    else data[index] = Number(value);
  });
  return data;
}

function sameValues(together: Tensor, start: number, count: number, alone: Tensor | undefined): boolean {
  if (alone === undefined || alone.data.length !== count) return false;
  for (let index = 0; index < count; index++) if (!sameValue(together, start + index, alone, index)) return false;
  return true;
}

function sameValue(one: Tensor, at: number, other: Tensor, otherAt: number): boolean {
  const left = one.data[at];
  const right = other.data[otherAt];
  if (left === right || (Number.isNaN(left) && Number.isNaN(right))) return true;
  if (one.datatype === 'FP16') return near(fromFloat16(Number(left)), fromFloat16(Number(right)), 1e-2);
  return one.datatype.startsWith('FP') && near(Number(left), Number(right), tolerance);
}

function near(left: number, right: number, allowed: number): boolean {
  return Math.abs(left - right) <= allowed * Math.max(1e-3, Math.abs(left), Math.abs(right));
}
