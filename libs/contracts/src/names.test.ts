import { expect, it } from 'vitest';
import { isExternalFileName } from './names.js';

it.each(['model.onnx.data', 'weights_0', 'bert.encoder.layer.0.weight', 'Constant_12_attr__value', 'a b(1).bin', '0', 'a'.repeat(200)])(
  'takes %j for the name of a file of weights',
  (name) => {
    expect(isExternalFileName(name)).toBe(true);
  },
);

it.each([
  '',
  '.',
  '..',
  '.hidden',
  '../a',
  'a/b',
  'a\\b',
  '%2e%2e',
  'C:a',
  'a\0',
  'a\n',
  'a.',
  'a ',
  ' a',
  'ü',
  '~a',
  '-a',
  'a'.repeat(201),
  'Model.ONNX',
])('does not take %j for the name of a file of weights', (name) => {
  expect(isExternalFileName(name)).toBe(false);
});
