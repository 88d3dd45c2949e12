import { type Datatype, datatypes } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBinaryData } from '../protocol/read-binary-data.js';
import { binaryDataOf } from '../protocol/write-binary-data.js';
import { datatypeFacts } from './datatypes.js';
import { fromFloat16 } from './float16.js';
import { redactTensor } from './redact-tensor.js';
import type { Tensor } from './tensor.js';

const key = Buffer.alloc(32, 7);

/** Any tensor of a datatype with `count` elements. */
function tensorOf(datatype: Datatype, count: number): fc.Arbitrary<Tensor> {
  const head = { name: 'x', datatype, shape: [count] };
  if (datatype === 'BYTES')
    return fc.array(fc.string({ unit: 'grapheme' }), { minLength: count, maxLength: count }).map((data) => ({ ...head, data }));
  const top = datatype === 'BOOL' ? 1 : 255;
  const bytes = count * datatypeFacts[datatype].bytes;
  return fc.uint8Array({ minLength: bytes, maxLength: bytes, max: top }).map((raw) => ({ ...head, data: readBinaryData(head, Buffer.from(raw)) }));
}

const numbersOf = ({ data, datatype }: Tensor): number[] =>
  Array.from({ length: data.length }, (_, index) => (datatype === 'FP16' ? fromFloat16(Number(data[index])) : Number(data[index])));
/** Largest and smallest number that a hashed value of a datatype may be. */
const tops: Readonly<Record<Exclude<Datatype, 'BYTES'>, number>> = {
  BOOL: 1,
  UINT8: 2 ** 8,
  UINT16: 2 ** 16,
  UINT32: 2 ** 32,
  UINT64: 2 ** 64,
  INT8: 2 ** 7,
  INT16: 2 ** 15,
  INT32: 2 ** 31,
  INT64: 2 ** 63,
  FP16: 1,
  FP32: 1,
  FP64: 1,
};

describe.each(datatypes)('redaction of %s', (datatype) => {
  it.each(['hash', 'mask', 'drop'] as const)('%s keeps name, datatype, shape and size', (how) => {
    fc.assert(
      fc.property(tensorOf(datatype, 5), (tensor) => {
        const redacted = redactTensor(tensor, how, key);
        expect({ ...redacted, data: undefined }).toEqual({ ...tensor, data: undefined });
        expect(redacted.data).toHaveLength(5);
        // As the wire has it, it reads back as the same tensor.
        expect(readBinaryData(redacted, Buffer.from(binaryDataOf(redacted)))).toEqual(redacted.data);
      }),
      { numRuns: 30 },
    );
  });

  it('hashes equal values alike and into the range of the datatype, another key or name otherwise', () => {
    fc.assert(
      fc.property(tensorOf(datatype, 8), (tensor) => {
        const hashed = redactTensor(tensor, 'hash', key);
        expect(redactTensor(tensor, 'hash', key).data).toEqual(hashed.data);
        const bits = (of: Tensor, at: number) =>
          of.datatype === 'BYTES' ? String(of.data[at]) : binaryDataOf(of).toString('hex', at * width, (at + 1) * width);
        const width = datatypeFacts[datatype].bytes;
        for (let a = 0; a < 8; a += 1)
          for (let b = 0; b < a; b += 1) if (bits(tensor, a) === bits(tensor, b)) expect(bits(hashed, a)).toBe(bits(hashed, b));
        if (datatype !== 'BYTES') for (const value of numbersOf(hashed)) expect(value >= 0 && value <= tops[datatype]).toBe(true);
      }),
      { numRuns: 30 },
    );
    const [tensor] = fc.sample(tensorOf(datatype, 64), 1);
    if (tensor === undefined) throw new Error('no tensor');
    const hashed = redactTensor(tensor, 'hash', key).data;
    expect(redactTensor(tensor, 'hash', Buffer.alloc(32, 8)).data).not.toEqual(hashed);
    expect(redactTensor({ ...tensor, name: 'y' }, 'hash', key).data).not.toEqual(hashed);
  });

  it('leaves nothing of what is masked or dropped, and all of what is kept', () => {
    fc.assert(
      fc.property(tensorOf(datatype, 3), tensorOf(datatype, 3), (one, other) => {
        for (const how of ['mask', 'drop'] as const) expect(redactTensor(one, how, key).data).toEqual(redactTensor(other, how, key).data);
        expect(redactTensor(one, 'keep', key)).toBe(one);
      }),
      { numRuns: 20 },
    );
    const [tensor] = fc.sample(tensorOf(datatype, 2), 1);
    if (tensor === undefined) throw new Error('no tensor');
    const shown = (how: 'mask' | 'drop') => {
      const redacted = redactTensor(tensor, how, key);
      return datatype === 'BYTES' ? redacted.data : numbersOf(redacted);
    };
    expect(shown('mask')).toEqual(datatype === 'BYTES' ? ['***', '***'] : [1, 1]);
    expect(shown('drop')).toEqual(datatype === 'BYTES' ? ['', ''] : [0, 0]);
  });
});
