import { datatypes, type Signature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { sampleRequest } from './sample-request';

describe('sampleRequest', () => {
  it('fills each input with as many values as its shape says, one row where any size goes', () => {
    const signature: Signature = {
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [-1, 30] },
        { name: 'ids', datatype: 'INT64', shape: [1, 2] },
      ],
      outputs: [],
    };
    const body = JSON.parse(sampleRequest(signature).text);
    expect(body.inputs[0]).toMatchObject({ name: 'x', shape: [1, 30], datatype: 'FP32' });
    expect(body.inputs[0].data).toHaveLength(30);
    expect(body.inputs[1].data.every(Number.isInteger)).toBe(true);
  });

  it.each(datatypes)('makes JSON for %s, whatever the tensor is called', (datatype) => {
    const { text } = sampleRequest({ inputs: [{ name: 'a"\n</script>', datatype, shape: [2] }], outputs: [] });
    expect(JSON.parse(text).inputs[0].name).toBe('a"\n</script>');
  });

  it('leaves optional inputs out and marks images as too long to edit', () => {
    const sample = sampleRequest({
      inputs: [
        { name: 'image', datatype: 'FP32', shape: [-1, 3, 224, 224] },
        { name: 'mask', datatype: 'BOOL', shape: [1], optional: true },
      ],
      outputs: [],
    });
    expect(sample.isLarge).toBe(true);
    expect(JSON.parse(sample.text).inputs).toHaveLength(1);
  });
});
