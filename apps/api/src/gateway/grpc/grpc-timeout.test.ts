import { expect, it } from 'vitest';
import { parseGrpcTimeout } from './grpc-timeout.js';

it.each([
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['30S', 30_000],
  ['99999999m', 99_999_999],
  ['1500u', 1.5],
  ['1n', 1e-6],
  ['0m', 0],
])('reads %s', (text, ms) => {
  expect(parseGrpcTimeout(text)).toBeCloseTo(ms, 9);
});

it.each(['', '10', 'm', '-1S', '1.5S', '123456789m', '1s', '1 S', '1S, 2S', ' 1S'])('refuses %j', (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined();
});
