import type { Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { latencyBucketCount, latencyEdges } from '../windows/latency-buckets.js';
import { burnWindows, leastTarget, secondsToFire } from './burn-windows.js';
import { countHours, countRequests, slowerThan } from './count-events.js';
import { judgeSlo } from './judge-slo.js';
import type { EventCounts, Objective } from './objective.js';
import { refuseObjective } from './refuse-objective.js';

const objective = (over: Partial<Objective> = {}): Objective => ({
  name: 'answers',
  goal: { kind: 'availability' },
  target: 0.999,
  periodDays: 30,
  ...over,
});
const judged = (counts: (seconds: number) => EventCounts, over: Partial<Objective> = {}) => judgeSlo(objective(over), counts, 'requests');

describe('windows', () => {
  // slok/sloth, internal/alert/windows/google-30d.yaml
  it('are those of sloth for 30 days', () => {
    expect(burnWindows(30).map(({ severity, longSeconds, shortSeconds, factor }) => [severity, longSeconds, shortSeconds, factor])).toEqual([
      ['page', 3_600, 300, 14.4],
      ['page', 21_600, 1_800, 6],
      ['ticket', 86_400, 7_200, 3],
      ['ticket', 259_200, 21_600, 1],
    ]);
  });

  it.each([
    [7, [3.36, 1.4]],
    [14, [6.72, 2.8, 1.4]],
    [28, [13.44, 5.6, 2.8]],
    [90, [43.2, 18, 9, 3]],
  ])('of %i days have their own factors, none below 1', (days, factors) => {
    expect(burnWindows(days).map(({ factor }) => factor)).toEqual(factors);
  });

  // monitoring.md 6.13: 52 s, 130 s, 4.3 min, 4.3 min at 100 % errors and 99.9 %.
  it('fire as soon as the workbook says', () => {
    expect(burnWindows(30).map((window) => secondsToFire(window, 0.999, 1))).toEqual([
      expect.closeTo(51.84, 9),
      expect.closeTo(129.6, 9),
      expect.closeTo(259.2, 9),
      expect.closeTo(259.2, 9),
    ]);
  });

  it.each([30, 7, 14, 90])('fires at the computed second and not a second before, %i days', (periodDays) => {
    for (const window of burnWindows(periodDays)) {
      const at = secondsToFire(window, 0.999, 1);
      const allBadFor = (seconds: number) => (last: number) => ({ bad: 1_000 * Math.min(seconds, last), valid: 1_000 * last });
      const statusAfter = (seconds: number) =>
        judged(allBadFor(seconds), { periodDays }).burn.find((each) => each.longSeconds === window.longSeconds)?.status;
      expect(statusAfter(Math.ceil(at) + 1)).toBe('firing');
      expect(statusAfter(Math.floor(at) - 1)).toBe('ok');
    }
  });
});

describe('judgement', () => {
  it('is ok while the budget is spent slowly, and says what is left', () => {
    const { status, budgetRemaining, judgement } = judged((seconds) => ({ bad: seconds * 0.05, valid: seconds * 100 }));
    expect(status).toBe('ok');
    expect(budgetRemaining).toBeCloseTo(0.5, 12);
    expect(judgement).toMatchObject({ verdict: 'ok', value: expect.closeTo(0.5, 9) });
    expect(judgement.reason).toContain('50 % of the budget of 30 days is left');
  });

  it('is a page when both windows burn, a ticket when only the slow pairs do', () => {
    expect(judged((seconds) => ({ bad: seconds * 2, valid: seconds * 100 })).status).toBe('page');
    const ticket = judged((seconds) => ({ bad: seconds * 0.4, valid: seconds * 100 }));
    expect(ticket).toMatchObject({ status: 'ticket', judgement: { verdict: 'alarm', threshold: 3 } });
    expect(ticket.judgement.reason).toContain('4 × over 1 day and 4 × over 2 h, limit 3 (ticket)');
  });

  it('is over as soon as the short window is clean', () => {
    const { burn, status } = judged((seconds) => ({ bad: seconds >= 3_600 && seconds < 7_200 ? 5_000 : 0, valid: seconds * 100 }));
    expect(burn[0]?.longBurn).toBeGreaterThan(13);
    expect(status).toBe('ok');
  });

  it('does not believe one error among 69 requests, but 10 errors or one of two', () => {
    const few = judged(() => ({ bad: 1, valid: 69 }));
    expect(few.burn[0]).toMatchObject({ status: 'ok', held: expect.stringContaining('Only 1 bad of 69') });
    const busierBefore = judged((seconds) => ({ bad: 1, valid: seconds <= 3_600 ? 69 : 2_000 }));
    expect(busierBefore.judgement).toMatchObject({ verdict: 'ok', reason: expect.stringContaining('too few to be sure') });
    expect(judged(() => ({ bad: 10, valid: 690 })).burn[0]?.status).toBe('firing');
    expect(judged(() => ({ bad: 9, valid: 600 })).burn[0]?.status).toBe('ok');
    expect(judged(() => ({ bad: 1, valid: 2 })).burn[0]?.status).toBe('firing');
  });

  it('neither fires nor is over without traffic', () => {
    expect(judged(() => ({ bad: 0, valid: 0 }))).toMatchObject({
      status: 'no_data',
      budgetRemaining: null,
      judgement: { verdict: 'insufficient', n: 0 },
    });
    // The short windows see nothing, the long ones still burn.
    const stopped = judged((seconds) => (seconds <= 21_600 && seconds !== 3_600 ? { bad: 0, valid: 0 } : { bad: 5_000, valid: 10_000 }));
    expect(stopped.status).toBe('no_data');
    expect(stopped.burn[0]).toMatchObject({ status: 'no_data', shortBurn: null });
  });

  it('tells when the budget ends', () => {
    // 20 % spent, and errors at 3 times the allowed ratio for six hours: 80 % of 30 days at three times the pace.
    const { exhaustedInSeconds } = judged((seconds) => (seconds === 21_600 ? { bad: 30, valid: 10_000 } : { bad: 20, valid: 100_000 }));
    expect(exhaustedInSeconds).toBeCloseTo((0.8 * 30 * 86_400) / 3, 3);
    expect(judged(() => ({ bad: 0, valid: 10 })).exhaustedInSeconds).toBeNull();
    expect(judged(() => ({ bad: 10, valid: 10 })).exhaustedInSeconds).toBe(0);
  });
});

describe('events', () => {
  it('leave out what callers did wrong; 429, 5xx and timeouts are bad', () => {
    const outcomes = {
      success: 80,
      invalid_input: 7,
      cancelled: 3,
      rejected_queue_full: 2,
      rejected_quota: 1,
      deadline_exceeded: 4,
      runtime_error: 5,
    };
    expect(countRequests({ kind: 'availability' }, { outcomes, duration: [] })).toEqual({ bad: 12, valid: 92 });
    expect(countRequests({ kind: 'availability' }, undefined)).toEqual({ bad: 0, valid: 0 });
  });

  it('count slow answers once, and exactly at an edge', () => {
    const duration = new Array<number>(latencyBucketCount).fill(0);
    duration[latencyEdges.indexOf(0.1)] = 90;
    duration[latencyEdges.indexOf(0.25)] = 6;
    duration[latencyEdges.indexOf(0.5)] = 4;
    const outcomes = { success: 96, deadline_exceeded: 4 };
    expect(countRequests({ kind: 'latency', thresholdMs: 100 }, { outcomes, duration })).toEqual({ bad: 10, valid: 100, uncertain: 0 });
    expect(countRequests({ kind: 'latency', thresholdMs: 250 }, { outcomes, duration })).toEqual({ bad: 4, valid: 100, uncertain: 0 });
  });

  it('say how many a bucket cannot tell apart', () => {
    const duration = new Array<number>(latencyBucketCount).fill(0);
    duration[latencyEdges.indexOf(0.25)] = 60;
    expect(slowerThan(duration, 0.2)).toEqual({ slow: expect.closeTo(20, 9), uncertain: 60 });
  });

  it('of quality are the hours that could be told', () => {
    const hours = [0.9, null, 0.7, 0.8].map((value, at) => ({ endMs: at, value }));
    expect(countHours({ kind: 'quality', metric: 'accuracy', threshold: 0.8 }, hours)).toEqual({ valid: 3, bad: 1 });
    expect(countHours({ kind: 'quality', metric: 'mae', threshold: 0.8 }, hours)).toEqual({ valid: 3, bad: 1 });
  });
});

describe('refusals', () => {
  const binary: Task = { kind: 'binary', rowAxis: 0, classes: ['no', 'yes'], positiveClass: 'yes' };
  it.each([
    { over: { target: 0.93 }, says: /above 93.06 % for a period of 30 days, but got 93 %.*14.4 times.*100.8 % errors/ },
    { over: { target: 1 - 1 / 14.4 }, says: /could never fire/ },
    { over: { target: 0.97, periodDays: 90 }, says: /above 97.69 %/ },
    { over: { goal: { kind: 'latency', thresholdMs: 30_001 } as const }, says: /at most 30000 ms/ },
    { over: { goal: { kind: 'latency', thresholdMs: 0.4 } as const }, says: /at least 0.5 ms/ },
    { over: { goal: { kind: 'quality', metric: 'accuracy', threshold: 0.9 } as const }, task: undefined, says: /has no task/ },
    {
      over: { goal: { kind: 'quality', metric: 'mae', threshold: 0.9 } as const },
      says: /accuracy, precision, recall or f1 for a binary task, but got "mae"/,
    },
    { over: { goal: { kind: 'quality', metric: 'f1', threshold: 1.1 } as const }, says: /at most 1/ },
  ])('$says', ({ over, says, ...rest }) => {
    expect(() => refuseObjective(objective(over), 'task' in rest ? undefined : binary)).toThrow(says);
  });

  it.each([7, 14, 30, 90])('take what can fire, and only that (%i days)', (periodDays) => {
    for (const target of [0.5, 0.7, 0.9, 0.93, 0.95, 0.99, 0.9999]) {
      const allBad = (seconds: number) => ({ bad: seconds * 10, valid: seconds * 10 });
      const canFire = judged(allBad, { target, periodDays }).burn.every(({ status }) => status === 'firing');
      expect(target > leastTarget(periodDays)).toBe(canFire);
    }
  });
});
