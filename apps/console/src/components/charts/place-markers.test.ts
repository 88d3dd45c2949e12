import { expect, it } from 'vitest';
import { placeMarkers } from './place-markers';

const marker = (at: number) => ({ at, label: `v${at}`, kind: 'deploy' as const });

it('keeps every line of the window, and of labels that would cover each other the latest', () => {
  const placed = placeMarkers([marker(90), marker(10), marker(12), marker(89), marker(300), marker(-5)], 0, 100);
  expect(placed.map(({ marker: { at }, side }) => [at, side])).toEqual([
    [10, undefined],
    [12, 'insideTopLeft'],
    [89, undefined],
    [90, 'insideTopRight'],
  ]);
});
