import { describe, expect, it } from 'vitest';
import { readAnswer, readError } from './read-answer';

describe('readAnswer', () => {
  it('keeps 64-bit integers, NaN and Infinity as they stand', () => {
    const text =
      '{"model_name":"a","model_version":"3","outputs":[{"name":"y","datatype":"INT64","shape":[4],"data":[9223372036854775807,NaN,-Infinity,1.5]}]}';
    expect(readAnswer(text)).toEqual({
      version: '3',
      outputs: [{ name: 'y', datatype: 'INT64', shape: [4], values: ['9223372036854775807', 'NaN', '-Infinity', '1.5'], count: 4 }],
    });
  });

  it('reads numbers with many digits after the point, and with exponents', () => {
    const text = '{"outputs":[{"name":"p","datatype":"FP64","shape":[3],"data":[0.1234567890123456,1.2345678901234567e-7,12345678901234567e3]}]}';
    expect(readAnswer(text)?.outputs[0]?.values).toEqual(['0.1234567890123456', '1.2345678901234566e-7', '12345678901234567000']);
  });

  it('does not touch what stands inside strings', () => {
    const text = '{"outputs":[{"name":"NaN 12345678901234567890 \\" Infinity","datatype":"BYTES","shape":[1],"data":["NaN"]}]}';
    expect(readAnswer(text)?.outputs[0]).toMatchObject({ name: 'NaN 12345678901234567890 " Infinity', values: ['NaN'] });
  });

  it('gives nothing for what is no answer and the sentence of an error', () => {
    expect(readAnswer('<html>')).toBeUndefined();
    expect(readError('{"error":"unexpected shape"}')).toBe('unexpected shape');
    expect(readError('upstream gone')).toBe('upstream gone');
  });
});
