import { expect, it } from 'vitest';
import { maxPoints, seriesFrame, stepsOf } from './series-frame.js';

const now = Date.parse('2026-03-04T10:00:00Z');
const at = (text: string) => new Date(now + Number(text) * 1000).toISOString();

it('is the last hour in steps of 30 s when nothing is asked', () => {
  expect(seriesFrame({}, now)).toEqual({ fromMs: now - 3_600_000, toMs: now, stepSeconds: 30 });
});

it.each([
  { asked: 5, is: 10 },
  { asked: 15, is: 20 },
  { asked: 60, is: 60 },
  { asked: 100, is: 100 },
])('a step of $asked s becomes $is s, a multiple of the windows', ({ asked, is }) => {
  expect(seriesFrame({ from: at('-600'), to: at('0'), step: asked }, now).stepSeconds).toBe(is);
});

it.each([
  { days: 1, step: undefined, is: 900 },
  { days: 2, step: undefined, is: 3_600 },
  { days: 30, step: undefined, is: 21_600 },
  { days: 1, step: 3_601, is: 7_200 },
  { days: 30, step: 20_000, is: 21_600 },
])('of $days days with a step of $step has steps of $is s, whole hours where they are long', ({ days, step, is }) => {
  expect(seriesFrame({ from: at(`-${days * 86_400}`), to: at('0'), step }, now).stepSeconds).toBe(is);
});

it('aligns the beginning to a step', () => {
  expect(seriesFrame({ from: at('-601'), to: at('0'), step: 60 }, now).fromMs).toBe(now - 660_000);
});

it.each([60, 3_601, 86_400, 30 * 86_400 + 7, 799 * 86_400])('never makes more than the most points in %i s', (seconds) => {
  for (const step of [undefined, 5, 10, 37]) {
    const frame = seriesFrame({ from: at(`-${seconds}`), to: at('0'), step }, now);
    expect(stepsOf(frame, now).length).toBeLessThanOrEqual(maxPoints);
  }
});

it('has no steps that have not begun', () => {
  const frame = seriesFrame({ from: at('-60'), to: at('600'), step: 60 }, now);
  expect(stepsOf(frame, now)).toEqual([now - 60_000]);
});

it.each([
  { from: at('0'), to: at('0') },
  { from: at('10'), to: at('0') },
  { from: '1999-01-01T00:00:00Z', to: at('0') },
])('refuses $from to $to', (query) => {
  expect(() => seriesFrame(query, now)).toThrow(/Expected/);
});
