import { datatypes } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { sampleRequest } from './sample-request';
import { readTensors, zeroTensors } from './snippet-tensors';

const request = (input: object) => JSON.stringify({ inputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [1, 2], ...input }] });

describe('readTensors', () => {
  it.each(datatypes)('reads the made-up request of %s', (datatype) => {
    const { text } = sampleRequest({ inputs: [{ name: 'a"\n', datatype, shape: [-1, 3] }], outputs: [] });
    expect(readTensors(text)).toMatchObject([{ name: 'a"\n', datatype, shape: [1, 3], values: { length: 3 } }]);
  });

  it('keeps literals that a JavaScript number cannot hold, and nested data', () => {
    const body = '{"inputs": [{"name": "x", "shape": [2, 2], "datatype": "INT64", "data": [[9223372036854775807, -1], [0, 18446744073709551615]]}]}';
    expect(readTensors(body)?.[0]?.values).toEqual(['9223372036854775807', '-1', '0', '18446744073709551615']);
    expect(readTensors('{"inputs": [{"name": "x", "shape": [], "datatype": "FP32", "data": NaN}]}')?.[0]?.values).toEqual(['NaN']);
  });

  it('shows zeros for more values than anybody reads', () => {
    expect(readTensors(request({ shape: [5000], data: new Array(5000).fill(1) }))).toMatchObject([{ shape: [5000], values: 'zeros' }]);
    expect(zeroTensors({ inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 3, 8, 8] }], outputs: [] })).toEqual([
      { name: 'image', datatype: 'UINT8', shape: [1, 3, 8, 8], values: 'zeros' },
    ]);
  });

  it.each([
    '',
    '{',
    '{"inputs": []}',
    '{"inputs": 1}',
    request({ datatype: 'BF16' }),
    request({ shape: [3] }),
    request({ shape: [-1] }),
    request({ data: [1, null] }),
  ])('says that %j is no request yet', (body) => {
    expect(readTensors(body)).toBeUndefined();
  });
});
