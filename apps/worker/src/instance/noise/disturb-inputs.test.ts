import { makeNumericData, type Tensor, toFloat16 } from '@slipway/inference';
import { expect, it } from 'vitest';
import { canDisturb, disturbInputs } from './disturb-inputs.js';

const spreads = new Map([['x', [100, null]]]);
const tensor = (datatype: Tensor['datatype'], values: readonly number[]): Tensor => {
  if (datatype === 'BYTES') return { name: 'x', datatype, shape: [values.length], data: values.map(String) };
  const data = makeNumericData(datatype, values.length);
  for (const [at, value] of values.entries()) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[at] = BigInt(value);
    else data[at] = datatype === 'FP16' ? toFloat16(value) : value;
  }
  return { name: 'x', datatype, shape: [values.length / 2, 2], data };
};

it.each(['FP64', 'FP32', 'FP16', 'INT64', 'UINT64', 'INT32', 'UINT8'] as const)('moves numbers of %s that spread, and no others', (datatype) => {
  const given = tensor(datatype, [50, 7, 60, 7]);
  const [moved] = disturbInputs([given], spreads);
  expect(moved).not.toBe(given);
  expect(Number(given.data[0])).toBe(Number(tensor(datatype, [50]).data[0]));
  expect([moved?.data[1], moved?.data[3]]).toEqual([given.data[1], given.data[3]]);
  const differences = Array.from({ length: 40 }, () => disturbInputs([given], spreads)[0]?.data[0]).filter((value) => value !== given.data[0]);
  expect(differences.length).toBeGreaterThan(10);
});

it('keeps texts and truths', () => {
  for (const datatype of ['BYTES', 'BOOL'] as const) {
    const given = tensor(datatype, [1, 0]);
    expect(canDisturb([given], spreads)).toBe(false);
    expect(disturbInputs([given], spreads)[0]?.data).toEqual(given.data);
  }
});

it('stays within the type of a whole number', () => {
  const low = disturbInputs([tensor('UINT8', [0, 0])], new Map([['x', [1e6]]]), () => 0.5);
  const high = disturbInputs([tensor('INT8', [127, 127])], new Map([['x', [1e6]]]), () => 0.001);
  for (const value of low[0]?.data ?? []) expect(Number(value)).toBe(0);
  for (const value of high[0]?.data ?? []) expect(Number(value)).toBe(127);
});

it('disturbs by 2 % of the spread', () => {
  const values = disturbInputs([tensor('FP64', new Array<number>(20_000).fill(0))], new Map([['x', [100]]]))[0]?.data ?? [];
  const sd = Math.sqrt(Array.from(values, Number).reduce((sum, value) => sum + value * value, 0) / 20_000);
  expect(sd).toBeGreaterThan(1.9);
  expect(sd).toBeLessThan(2.1);
});

it.each([
  { name: 'no reference', of: new Map<string, number[]>() },
  { name: 'values that are always the same', of: new Map([['x', [0, 0]]]) },
  { name: 'another input', of: new Map([['z', [1]]]) },
])('cannot disturb with $name', ({ of }) => {
  expect(canDisturb([tensor('FP32', [1, 2])], of)).toBe(false);
});
