import type { TensorSignature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import {
  type OutputParameters,
  type ParameterValue,
  type RequestParameters,
  takeOutputParameter,
  takeRequestParameter,
} from './request-parameters.js';

const output: TensorSignature = { name: 'p', datatype: 'FP32', shape: [-1, 3] };

function request(parameters: Readonly<Record<string, ParameterValue>>): RequestParameters {
  const into: RequestParameters = {};
  for (const [name, value] of Object.entries(parameters)) takeRequestParameter(into, name, value);
  return into;
}

function wanted(parameters: Readonly<Record<string, ParameterValue>>, of = output): OutputParameters {
  const into: OutputParameters = {};
  for (const [name, value] of Object.entries(parameters)) takeOutputParameter(into, name, value, of);
  return into;
}

describe('takeRequestParameter', () => {
  it('reads what has a meaning, as HTTP and as gRPC carry it', () => {
    expect(request({ timeout: 1000, priority: 2, binary_data_output: true })).toEqual({ timeoutMicros: 1000, priority: 2, binaryOutput: true });
    expect(request({ timeout: 1000n, priority: 2n })).toEqual({ timeoutMicros: 1000, priority: 2 });
  });

  it('passes over what has none, and sequences that are not meant', () => {
    expect(request({ k: 'v', content_type: 'json', headers: '' })).toEqual({});
    expect(request({ sequence_id: 0, sequence_start: false, sequence_end: false })).toEqual({});
    expect(request({ sequence_id: '' })).toEqual({});
    expect(request({ sequence_id: 0n })).toEqual({});
  });

  it.each([
    { name: 'timeout', value: -1, code: 'INFER_INVALID', says: '"timeout" must be a whole number of microseconds from 0 on, given "-1"' },
    { name: 'timeout', value: 1.5, code: 'INFER_INVALID', says: 'given "1.5"' },
    { name: 'timeout', value: '5', code: 'INFER_INVALID', says: 'given "5"' },
    { name: 'timeout', value: 2n ** 63n, code: 'INFER_INVALID', says: 'given "9223372036854775808"' },
    { name: 'priority', value: true, code: 'INFER_INVALID', says: '"priority" must be a whole number from 0 on, given "true"' },
    { name: 'binary_data_output', value: 1, code: 'INFER_INVALID', says: 'must be true or false, given "1"' },
    { name: 'triton_enable_empty_final_response', value: true, code: 'INFER_INVALID', says: '"triton_" are reserved' },
    { name: 'sequence_id', value: 7, code: 'FEATURE_UNSUPPORTED', says: 'models here keep no state' },
    { name: 'sequence_id', value: 'abc', code: 'FEATURE_UNSUPPORTED', says: '"sequence_id"' },
    { name: 'sequence_start', value: true, code: 'FEATURE_UNSUPPORTED', says: '"sequence_start"' },
  ])('refuses $name = $value', ({ name, value, code, says }) => {
    expect(() => request({ [name]: value })).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }));
  });
});

describe('takeOutputParameter', () => {
  it('reads what has a meaning and passes over what has none', () => {
    expect(wanted({ binary_data: false, classification: 3, colour: 'red' })).toEqual({ binary: false, classification: 3 });
    expect(wanted({ classification: 3n })).toEqual({ classification: 3 });
  });

  it.each([
    { name: 'classification', value: 0, says: 'output "p": the parameter "classification" must be a whole number from 1 on, given "0"' },
    { name: 'classification', value: -2, says: 'given "-2"' },
    { name: 'classification', value: 1.5, says: 'given "1.5"' },
    { name: 'classification', value: '3', says: 'given "3"' },
    { name: 'classification', value: true, says: 'given "true"' },
    { name: 'binary_data', value: 'yes', says: '"binary_data" must be true or false' },
  ])('refuses $name = $value', ({ name, value, says }) => {
    expect(() => wanted({ [name]: value })).toThrow(expect.objectContaining({ code: 'INFER_INVALID', message: expect.stringContaining(says) }));
  });

  it.each(['BYTES', 'BOOL'] as const)('refuses to classify %s', (datatype) => {
    expect(() => wanted({ classification: 1 }, { ...output, datatype })).toThrow(`classification needs numbers, and this output is ${datatype}`);
  });

  it('refuses shared memory', () => {
    expect(() => wanted({ shared_memory_region: 'r' })).toThrow(expect.objectContaining({ code: 'FEATURE_UNSUPPORTED' }));
  });
});
