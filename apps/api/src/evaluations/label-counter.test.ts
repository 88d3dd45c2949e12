import { expect, it } from 'vitest';
import { LabelCounter } from './label-counter.js';

const summaryOf = (cells: readonly unknown[]) => {
  const counter = new LabelCounter();
  for (const cell of cells) counter.add(cell);
  return counter.summary();
};

it.each([
  {
    what: 'classes',
    cells: ['b', 'a', 'b', '', null],
    is: {
      rows: 5,
      missing: 2,
      numeric: false,
      min: null,
      max: null,
      classes: [
        { label: 'b', count: 2 },
        { label: 'a', count: 1 },
      ],
    },
  },
  { what: 'numbers', cells: ['1', 2.5, -3], is: { rows: 3, missing: 0, numeric: true, min: -3, max: 2.5 } },
  { what: 'numbers and a word', cells: [1, 'x'], is: { numeric: false, min: null, max: null } },
  { what: 'nothing', cells: [null], is: { rows: 1, missing: 1, numeric: false, min: null, classes: [] } },
])('counts $what', ({ cells, is }) => {
  expect(summaryOf(cells)).toMatchObject(is);
});

it('lists a thousand distinct labels, and none when there are more', () => {
  const cells = Array.from({ length: 1_001 }, (_, index) => index);
  expect(summaryOf(cells.slice(1)).classes).toHaveLength(1_000);
  expect(summaryOf(cells)).toMatchObject({ rows: 1_001, min: 0, max: 1_000, classes: null });
});
