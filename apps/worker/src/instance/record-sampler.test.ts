import { ulid } from 'ulid';
import { expect, it } from 'vitest';
import { drawOf, RecordSampler, roomShare } from './record-sampler.js';

/** Rows expected to be recorded per second at so many requests a second, one list entry per second. */
function keptPerSecond(ratePerSecond: number, seconds: number, maxPerSecond: number, rows = 1): number[] {
  const sampler = new RecordSampler(0);
  return Array.from({ length: seconds }, (_, second) => {
    let kept = 0;
    for (let at = 0; at < ratePerSecond; at++) kept += rows * sampler.share(rows, maxPerSecond, 1000 * (second + at / ratePerSecond));
    return kept;
  });
}

it.each([
  { name: 'a rate below the bound', rate: 1000, max: 2000, first: 1000, later: 1000 },
  { name: 'exactly the bound', rate: 2000, max: 2000, first: 2000, later: 1900 },
  { name: 'ten times the bound', rate: 20_000, max: 2000, first: 2000 * (1 + Math.log(10)), later: 2000 / 1.05 },
])('$name: records $later a second', ({ rate, max, first, later }) => {
  const [begun = 0, ...kept] = keptPerSecond(rate, 5, max);
  expect(begun).toBeGreaterThan(first * 0.99);
  expect(begun).toBeLessThan(first * 1.01);
  for (const each of kept) {
    expect(each).toBeGreaterThan(later * 0.97);
    expect(each).toBeLessThan(later * 1.06);
  }
});

it('records a rush whole that it has saved up for, and the bound when that is spent', () => {
  const sampler = new RecordSampler(30);
  const kept = (from: number, rows: number) => Array.from({ length: rows }, (_, at) => sampler.share(1, 100, from + at / 10));
  expect(kept(0, 3_000).filter((share) => share === 1).length).toBe(3_000);
  const beyond = kept(300, 10_000).slice(2_000);
  expect(beyond.reduce((sum, share) => sum + share, 0)).toBeLessThan(200);
  expect(sampler.share(1, 100, 60_000)).toBe(1);
  expect(kept(120_000, 3_000).every((share) => share === 1)).toBe(true);
});

it('counts rows, since each is a row in the database', () => {
  const [, , later = 0] = keptPerSecond(100, 3, 2000, 64);
  expect(later).toBeGreaterThan(1700);
  expect(later).toBeLessThan(2100);
});

it('forgets a rush when it is over', () => {
  const sampler = new RecordSampler(0);
  for (let at = 0; at < 10_000; at++) sampler.share(1, 100, at / 10);
  expect(sampler.share(1, 100, 1000)).toBeLessThan(0.02);
  expect(sampler.share(1, 100, 2200)).toBe(1);
  expect(sampler.share(1, 100, 1_000_000)).toBe(1);
});

it('gives probabilities that a 32-bit float holds', () => {
  const sampler = new RecordSampler(0);
  for (let at = 0; at < 300; at++) {
    const share = sampler.share(1, 7, 0);
    expect(share).toBe(Math.fround(share));
  }
});

it.each([
  [0, 1],
  [750, 1],
  [900, Math.fround(0.4)],
  [999.9, 1 / 1024],
  [1000, 0],
  [2000, 0],
])('with %d of 1000 bytes taken a share of %d is recorded', (bytes, share) => {
  expect(roomShare(bytes, 1000)).toBeCloseTo(share, 6);
});

it('draws evenly, the same for the same id, also for ids that count up within a millisecond', () => {
  const head = ulid(Date.UTC(2026, 0, 1)).slice(0, 22);
  const ids = Array.from({ length: 20_000 }, (_, at) => `prd_${head}${at.toString(32).toUpperCase().padStart(4, '0')}`);
  const tenths = new Array<number>(10).fill(0);
  for (const id of ids) {
    const draw = drawOf(id);
    expect(draw).toBe(drawOf(id));
    const tenth = Math.floor(draw * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  // χ² with 9 degrees of freedom: 27.9 is exceeded once in a thousand times.
  expect(tenths.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)).toBeLessThan(27.9);
});

it('draws apart with another seed', () => {
  const both = Array.from({ length: 10_000 }, (_, at) => `prd_${at}`).filter((id) => drawOf(id) < 0.5 && drawOf(id, 7) < 0.5).length;
  expect(both).toBeGreaterThan(2300);
  expect(both).toBeLessThan(2700);
});
