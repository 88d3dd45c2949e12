import { describe, expect, it } from 'vitest';
import { readLoadParameters, readUnloadParameters } from './repository-control.js';

describe('readLoadParameters', () => {
  it('takes a configuration as a text, or none', () => {
    expect(readLoadParameters({ config: '{}' })).toEqual({ config: '{}' });
    expect(readLoadParameters({})).toEqual({});
  });

  it.each([
    { parameters: { config: {} }, code: 'REQUEST_INVALID', says: '"config" must be a JSON object as a text, given object' },
    { parameters: { config: '{}', 'file:1/model.onnx': 'YWI=' }, code: 'FEATURE_UNSUPPORTED', says: '"file:1/model.onnx" brings a file' },
    { parameters: { colour: 'red' }, code: 'REQUEST_INVALID', says: 'unknown parameter "colour": this takes config' },
  ])('refuses $parameters', ({ parameters, code, says }) => {
    expect(() => readLoadParameters(parameters)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }));
  });
});

describe('readUnloadParameters', () => {
  it.each([{}, { unload_dependents: true }, { unload_dependents: false }])('takes %j', (parameters) => {
    expect(() => readUnloadParameters(parameters)).not.toThrow();
  });

  it.each([{ unload_dependents: 'yes' }, { colour: true }])('refuses %j', (parameters) => {
    expect(() => readUnloadParameters(parameters)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});
