import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { seededRandom } from '../evaluation/seeded-random.js';
import { Adwin, AdwinState } from './adwin.js';
import { Kswin } from './kswin.js';
import { PageHinkley, PageHinkleyState } from './page-hinkley.js';

const streams = z
  .object({ one: z.string().length(2_000), two: z.string().length(4_000) })
  .parse(JSON.parse(readFileSync(new URL('../../fixtures/drift-streams.json', import.meta.url), 'utf8')));
const digits = (text: string) => Array.from(text, Number);
const alarms = (values: readonly number[], detector: { update(value: number): boolean }) =>
  values.flatMap((value, index) => (detector.update(value) ? [index] : []));

/** `monitoring.md` 9.2: what River publishes for its detectors. */
describe('golden indices of River', () => {
  it('Page–Hinkley on stream 1', () => expect(alarms(digits(streams.one), new PageHinkley())).toEqual([1020, 1991]));
  it('ADWIN on stream 1', () => expect(alarms(digits(streams.one), new Adwin())).toEqual([1023]));
  it('ADWIN on stream 2', () => expect(alarms(digits(streams.two), new Adwin())).toEqual([1023, 2015, 3007]));
  it('KSWIN on stream 1', () => expect(alarms(digits(streams.one), new Kswin({ level: 1e-4, windowSize: 200, recentSize: 100 }))).toEqual([1042]));
});

it('goes on from what was written down as if nothing had happened', () => {
  const values = digits(streams.two);
  let [adwin, hinkley] = [new Adwin(), new PageHinkley()];
  const found: number[] = [];
  for (const [index, value] of values.entries()) {
    if (index % 97 === 0) {
      adwin = new Adwin({}, AdwinState.parse(JSON.parse(JSON.stringify(adwin.memory))));
      hinkley = new PageHinkley({}, PageHinkleyState.parse(JSON.parse(JSON.stringify(hinkley.memory))));
    }
    if (adwin.update(value)) found.push(index);
    if (hinkley.update(value)) found.push(-index);
  }
  const expected = [...alarms(values, new Adwin()), ...alarms(values, new PageHinkley()).map((index) => -index)];
  expect(found.sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
});

it('stays quiet on a stream that does not change, in bounded memory', () => {
  const random = seededRandom(1);
  const adwin = new Adwin();
  const values = Array.from({ length: 100_000 }, (): number => (random() < 0.1 ? 1 : 0));
  expect(alarms(values, adwin)).toEqual([]);
  expect(adwin.size).toBe(100_000);
  expect(adwin.memory.rows.flat().length).toBeLessThan(6 * 18);
  expect(adwin.mean).toBeCloseTo(values.filter((value) => value === 1).length / 100_000, 9);
});
