import { expect, it } from 'vitest';
import { PredictionIds } from './prediction-id.js';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** The time in a ULID, in ms: its first ten characters. */
const timeOf = (ulid: string) => [...ulid.slice(0, 10)].reduce((sum, letter) => sum * 32 + alphabet.indexOf(letter), 0);
const shape = /^prd_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

it('mints ULIDs that tell their time', () => {
  const ids = new PredictionIds();
  for (const ms of [0, 1, 1_700_000_000_000, Date.now(), 2 ** 48 - 1]) {
    const id = new PredictionIds().next(ms);
    expect(id).toMatch(shape);
    expect(timeOf(id.slice(4))).toBe(ms);
  }
  expect(ids.next(1)).not.toBe(new PredictionIds().next(1));
});

it('never mints the same twice, in ascending order, also when the clock steps back', () => {
  const ids = new PredictionIds();
  const minted: string[] = [];
  for (let index = 0; index < 50_000; index += 1) minted.push(ids.next(1_700_000_000_000 + Math.floor(index / 100) - (index % 1000 === 0 ? 50 : 0)));
  expect(new Set(minted).size).toBe(minted.length);
  expect(minted.toSorted()).toEqual(minted);
});

it('draws anew in each millisecond', () => {
  const ids = new PredictionIds();
  const random = Array.from({ length: 1_000 }, (_, ms) => ids.next(ms + 1).slice(14));
  expect(new Set(random).size).toBe(1_000);
  expect(random.toSorted()).not.toEqual(random);
});
