import { expect, it } from 'vitest';
import { servedSpans } from './served-spans';

const at = (second: number) => new Date(second * 1_000).toISOString();

it('joins neighbouring steps with requests and keeps apart what a silence parts', () => {
  const points = [
    { at: at(0), requests: 3 },
    { at: at(10), requests: 1 },
    { at: at(20), requests: 0 },
    { at: at(30), requests: 2 },
    { at: at(60), requests: 2 },
  ];
  expect(servedSpans(points, 10)).toEqual([
    { from: 0, to: 20_000 },
    { from: 30_000, to: 40_000 },
    { from: 60_000, to: 70_000 },
  ]);
  expect(servedSpans([], 10)).toEqual([]);
});
