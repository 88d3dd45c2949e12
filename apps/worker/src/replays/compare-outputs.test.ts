import type { PackedTensor } from '@slipway/metrics';
import { describe, expect, it } from 'vitest';
import { explainDifference, relativeDifference } from './compare-outputs.js';
import { outputsOf, replayBodyOf } from './replay-wire.js';

const floats = (values: number[], name = 'y'): PackedTensor => ({
  name,
  datatype: 'FP32',
  shape: [values.length],
  bytes: Buffer.from(Float32Array.from(values).buffer),
});
const integers = (values: bigint[]): PackedTensor => ({
  name: 'y',
  datatype: 'INT64',
  shape: [values.length],
  bytes: Buffer.from(BigInt64Array.from(values).buffer),
});
const text = (value: string): PackedTensor => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return { name: 'y', datatype: 'BYTES', shape: [1], bytes: Buffer.concat([length, Buffer.from(value)]) };
};

describe('relativeDifference', () => {
  it.each<{ name: string; past: PackedTensor[]; now: PackedTensor[]; seen: number | undefined }>([
    { name: 'equal bits', past: [floats([1, Number.NaN, -0])], now: [floats([1, Number.NaN, -0])], seen: undefined },
    { name: 'an output that nobody had asked for', past: [floats([1])], now: [floats([1]), floats([5], 'z')], seen: undefined },
    { name: 'a sign of zero', past: [floats([0])], now: [floats([-0])], seen: 0 },
    { name: 'half as much', past: [floats([1, 2])], now: [floats([1, 1])], seen: 0.5 },
    { name: 'the other sign', past: [floats([1])], now: [floats([-1])], seen: 2 },
    { name: 'NaN', past: [floats([1])], now: [floats([Number.NaN])], seen: 2 },
    { name: 'a label', past: [integers([4n])], now: [integers([3n])], seen: 0.25 },
    { name: 'a text', past: [text('a')], now: [text('b')], seen: 2 },
    { name: 'a shape', past: [floats([1, 1])], now: [floats([1])], seen: 2 },
    { name: 'an output that is gone', past: [floats([1])], now: [], seen: 2 },
  ])('$name', ({ past, now, seen }) => {
    expect(relativeDifference(past, now)).toBe(seen);
  });
});

it.each([
  { isRandom: true, wasJoined: true, provider: 'cuda', relative: 1, reason: 'random' },
  { isRandom: false, wasJoined: true, provider: 'cuda', relative: 1, reason: 'provider' },
  { isRandom: false, wasJoined: true, provider: 'cpu', relative: 1e-7, reason: 'joined' },
  { isRandom: false, wasJoined: false, provider: 'cpu', relative: 1e-6, reason: 'rounding' },
  { isRandom: false, wasJoined: false, provider: 'cpu', relative: 1e-3, reason: 'unexplained' },
])('explains a difference of $relative by $reason', ({ relative, reason, ...circumstances }) => {
  expect(explainDifference(relative, circumstances)).toEqual({ reason, relative });
});

it('asks for every output as bytes, and reads them back', () => {
  const { headerBytes, body } = replayBodyOf([floats([1, 2], 'x'), text('é')]);
  const head: unknown = JSON.parse(Buffer.concat(body).toString('utf8', 0, headerBytes));
  expect(head).toEqual({
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [2], parameters: { binary_data_size: 8 } },
      { name: 'y', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } },
    ],
    parameters: { binary_data_output: true },
  });
  const answer = Buffer.from(JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1], parameters: { binary_data_size: 4 } }] }));
  const outputs = outputsOf(Buffer.concat([answer, floats([3]).bytes]), answer.length);
  expect(outputs).toEqual([floats([3])]);
});
