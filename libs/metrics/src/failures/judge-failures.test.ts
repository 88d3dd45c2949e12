import type { Outcome } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { alarmShares } from '../judgements/alarm-shares.js';
import { emptyMemory, type FailureMemory, rememberHours, type ServedSpan, serviceReasons, windowMs } from './failure-walk.js';
import { judgeWindow } from './failures-judge.js';
import { judgeFailureShare, judgeInstanceEnds, poissonInterval, scatterOf } from './judge-failures.js';

const level = alarmShares.failures / (8_640 * serviceReasons.length);
const week = (failed: number, of: number) => Array.from({ length: 168 }, () => ({ failed, of }));

describe('a share of failures', () => {
  it.each([
    { name: 'a handful in a thousand where none was before', window: { failed: 20, of: 1_000 }, hours: week(0, 1_000), verdict: 'alarm' },
    { name: 'four, however few there were before', window: { failed: 4, of: 100 }, hours: week(0, 1_000), verdict: 'ok' },
    { name: 'much that is usual', window: { failed: 300, of: 1_000 }, hours: week(300, 1_000), verdict: 'ok' },
    { name: 'twice of what is usual', window: { failed: 640, of: 1_000 }, hours: week(300, 1_000), verdict: 'alarm' },
    { name: 'a real change that harms nobody', window: { failed: 90, of: 10_000 }, hours: week(1, 10_000), verdict: 'ok' },
    { name: 'everything, without history', window: { failed: 20, of: 20 }, hours: [], verdict: 'alarm' },
    { name: 'little, without history', window: { failed: 3, of: 100 }, hours: [], verdict: 'ok' },
    { name: 'too few requests', window: { failed: 19, of: 19 }, hours: week(0, 1_000), verdict: 'insufficient' },
    { name: 'no request', window: { failed: 0, of: 0 }, hours: week(0, 1_000), verdict: 'insufficient' },
  ])('of $name is $verdict', ({ window, hours, verdict }) => {
    expect(judgeFailureShare('runtime_error', window, hours, level).verdict).toBe(verdict);
  });

  it('says what was seen, what was usual and where the limit is', () => {
    const judgement = judgeFailureShare('deadline_exceeded', { failed: 37, of: 412 }, week(4, 1_000), level);
    expect(judgement).toMatchObject({
      n: 412,
      threshold: 0.01,
      verdict: 'alarm',
      reason: 'deadline_exceeded in 37 of 412 requests (9 %), beyond luck; limit 1 %, 0.4 % in the days before',
    });
    // Where the sums of the binomial terms from 37 on, and up to 37, are 0.025.
    expect(judgement.interval?.[0]).toBeCloseTo(0.06402013233394666, 11);
    expect(judgement.interval?.[1]).toBeCloseTo(0.12165995381489197, 11);
  });

  it('allows for bursts where failures have come in bursts', () => {
    const bursts = Array.from({ length: 168 }, (_, at) => ({ failed: at % 12 === 0 ? 60 : 0, of: 1_000 }));
    expect(scatterOf(bursts)).toBeGreaterThan(40);
    expect(judgeFailureShare('x', { failed: 40, of: 1_000 }, bursts, level).verdict).toBe('ok');
    expect(judgeFailureShare('x', { failed: 40, of: 1_000 }, week(5, 1_000), level).verdict).toBe('alarm');
    expect(scatterOf(week(5, 1_000))).toBe(1);
  });
});

describe('ends of instances', () => {
  it.each([
    [0, 'crash: not in the last 30 minutes', 'ok'],
    [1, 'crash once in 30 minutes; the last time: SIGSEGV', 'ok'],
    [3, 'crash 3 times in 30 minutes; the last time: SIGSEGV', 'alarm'],
  ])('%i times', (count, reason, verdict) => {
    expect(judgeInstanceEnds('crash', { count, minutes: 30, lastMessage: count === 0 ? undefined : 'SIGSEGV' }, 3)).toMatchObject({
      reason,
      verdict,
      n: count,
    });
  });

  // Where the sums of the Poisson terms from the count on, and up to it, are 0.025.
  it.each([
    [0, 0, 3.688879454113936],
    [1, 0.02531780798428984, 5.571643390938898],
    [10, 4.795388696132432, 18.390356042017775],
  ])('have the exact interval of a count of %i', (count, low, high) => {
    expect(poissonInterval(count)[0]).toBeCloseTo(low, 8);
    expect(poissonInterval(count)[1]).toBeCloseTo(high, 8);
  });
});

/** Numbers that look random, the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A Poisson draw by counting; for means up to some dozens. */
function poisson(mean: number, next: () => number): number {
  let [count, product] = [0, next()];
  for (const bound = Math.exp(-mean); product > bound; count += 1) product *= next();
  return count;
}

const start = 1_700_000_400_000;
const weekWindows = 2_016;

/** Alarms of any reason in a week in which nothing changes. */
function alarmsOfWeek(seed: number, draw: (next: () => number, hour: number) => ServedSpan['outcomes']): number {
  const next = random(seed);
  let memory: FailureMemory = emptyMemory(start);
  let alarms = 0;
  for (let at = 0; at < weekWindows; at += 1) {
    const step = judgeWindow(memory, { atMs: start + at * windowMs, outcomes: draw(next, at / 12) }, level);
    memory = step.memory;
    alarms += step.judged.filter(({ verdict }) => verdict === 'alarm').length;
  }
  return alarms;
}

describe('a week without any change', () => {
  const traffic = (hour: number) => 150 + 100 * Math.sin((hour / 24) * 2 * Math.PI);
  const served = (all: number, failed: Partial<Record<Outcome, number>>): ServedSpan['outcomes'] => {
    const sum = Object.values(failed).reduce((total, count) => total + count, 0);
    return { success: Math.max(0, Math.round(all) - sum), ...failed };
  };

  it.each<{ name: string; draw: (next: () => number, hour: number) => ServedSpan['outcomes'] }>([
    {
      name: 'failures that come one by one',
      draw: (next, hour) =>
        served(traffic(hour), { runtime_error: poisson(traffic(hour) * 0.004, next), deadline_exceeded: poisson(traffic(hour) * 0.02, next) }),
    },
    { name: 'little traffic', draw: (next) => served(4, { runtime_error: next() < 0.05 ? 1 : 0 }) },
    {
      name: 'failures that come in bursts',
      draw: (next, hour) => served(traffic(hour), { rejected_queue_full: next() < 0.05 ? 1 + poisson(4, next) : 0 }),
    },
  ])('with $name has one alarm at most', ({ draw }) => {
    expect(alarmsOfWeek(1, draw)).toBeLessThanOrEqual(1);
  });

  it('tells of a fault in its first window, learns nothing from it, and tells of its end', () => {
    const next = random(7);
    let memory: FailureMemory = rememberHours(
      emptyMemory(start),
      Array.from({ length: 48 }, (_, hour) => ({ atMs: start - (48 - hour) * 3_600_000, outcomes: { success: 1_800, runtime_error: 4 } })),
    );
    const verdicts: string[] = [];
    for (let at = 0; at < 40; at += 1) {
      const isFaulty = at >= 10 && at < 30;
      const step = judgeWindow(
        memory,
        { atMs: start + at * windowMs, outcomes: served(150, { runtime_error: poisson(isFaulty ? 30 : 0.4, next) }) },
        level,
      );
      memory = step.memory;
      verdicts.push(step.judged.find(({ subject }) => subject === 'runtime_error')?.verdict ?? 'none');
    }
    expect(verdicts.slice(0, 10)).not.toContain('alarm');
    expect(verdicts.slice(10, 30)).toEqual(new Array(20).fill('alarm'));
    expect(verdicts[30]).toBe('ok');
    expect(verdicts.slice(30)).not.toContain('alarm');
    const failed = memory.hours.reduce((sum, hour) => sum + (hour.failed.runtime_error ?? 0), 0);
    expect(failed).toBeLessThan(48 * 4 + 30);
    expect(JSON.stringify(memory).length).toBeLessThan(40_000);
  });
});
