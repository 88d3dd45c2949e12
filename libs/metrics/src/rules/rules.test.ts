import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latencyBucketCount } from '../windows/latency-buckets.js';
import { judgeRule, type RuleCondition } from './judge-rule.js';
import { type AlertPosition, endAlert, newAlert, nextAlertState } from './next-alert-state.js';

const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);

describe('judging a rule', () => {
  const share: RuleCondition = { kind: 'error_ratio', threshold: 0.1, minRequests: 10 };
  it.each([
    { name: 'alarms above the limit', outcomes: { success: 80, runtime_error: 20 }, verdict: 'alarm', value: 0.2, n: 100 },
    { name: 'is fine at the limit', outcomes: { success: 90, runtime_error: 10 }, verdict: 'ok', value: 0.1, n: 100 },
    {
      name: 'takes refusals and timeouts for errors',
      outcomes: { success: 8, rejected_queue_full: 1, rejected_quota: 1, deadline_exceeded: 1, unavailable: 1 },
      verdict: 'alarm',
      value: 1 / 3,
      n: 12,
    },
    {
      name: 'leaves the caller’s own mistakes out of errors and requests',
      outcomes: { success: 19, runtime_error: 1, invalid_input: 500, cancelled: 500 },
      verdict: 'ok',
      value: 0.05,
      n: 20,
    },
    {
      name: 'does not judge too few requests',
      outcomes: { success: 1, runtime_error: 8, invalid_input: 100 },
      verdict: 'insufficient',
      value: null,
      n: 9,
    },
    { name: 'does not judge nothing', outcomes: {}, verdict: 'insufficient', value: null, n: 0 },
  ] as const)('$name', ({ outcomes, verdict, value, n }) => {
    const judged = judgeRule(share, { outcomes, duration: [] });
    expect(judged).toMatchObject({ verdict, n, threshold: 0.1 });
    if (value === null) expect(judged.value).toBeNull();
    else expect(judged.value).toBeCloseTo(value, 12);
    expect(judged.reason).toMatch(/\d/);
  });

  const latency: RuleCondition = { kind: 'latency_p95', threshold: 0.1, minRequests: 20 };
  const buckets = (entries: Record<number, number>) => Array.from({ length: latencyBucketCount }, (_, bucket) => entries[bucket] ?? 0);
  it.each([
    { name: 'alarms when more than 5 % are slow', duration: buckets({ 4: 90, 9: 10 }), verdict: 'alarm' },
    { name: 'is fine when less than 5 % are slow', duration: buckets({ 4: 97, 9: 3 }), verdict: 'ok' },
    { name: 'is fine at an edge that is the limit', duration: buckets({ 7: 100 }), verdict: 'ok' },
    { name: 'alarms when everything is slower than any bucket', duration: buckets({ 15: 100 }), verdict: 'alarm' },
    { name: 'does not judge too few', duration: buckets({ 15: 19 }), verdict: 'insufficient' },
  ])('latency: $name', ({ duration, verdict }) => {
    expect(judgeRule(latency, { outcomes: {}, duration }).verdict).toBe(verdict);
  });

  it('says nothing of a window without requests', () => {
    expect(judgeRule(latency, undefined)).toMatchObject({ verdict: 'insufficient', value: null, n: 0 });
  });
});

describe('moving an alert', () => {
  const pending = (since: number): AlertPosition => ({ ...newAlert, state: 'pending', pendingAt: at(since) });
  const firing: AlertPosition = { state: 'firing', pendingAt: at(0), firingAt: at(60), resolvedAt: null };
  const resolved: AlertPosition = { state: 'resolved', pendingAt: null, firingAt: at(60), resolvedAt: at(90) };

  it.each([
    { name: 'stays inactive while all is well', from: newAlert, verdict: 'ok', now: 100, state: 'inactive' },
    { name: 'waits when the condition begins', from: newAlert, verdict: 'alarm', now: 100, state: 'pending' },
    { name: 'waits until the time is over', from: pending(0), verdict: 'alarm', now: 59, state: 'pending' },
    { name: 'fires when the time is over', from: pending(0), verdict: 'alarm', now: 60, state: 'firing', transition: 'firing' },
    { name: 'forgets a condition that did not last', from: pending(0), verdict: 'ok', now: 59, state: 'inactive' },
    { name: 'keeps firing without telling again', from: firing, verdict: 'alarm', now: 500, state: 'firing' },
    { name: 'resolves', from: firing, verdict: 'ok', now: 500, state: 'resolved', transition: 'resolved' },
    { name: 'stays resolved', from: resolved, verdict: 'ok', now: 500, state: 'resolved' },
    { name: 'waits again after it was resolved', from: resolved, verdict: 'alarm', now: 500, state: 'pending' },
    {
      name: 'goes back to resolved when it does not last',
      from: { ...resolved, state: 'pending', pendingAt: at(490) },
      verdict: 'ok',
      now: 500,
      state: 'resolved',
    },
    { name: 'neither fires nor resolves without enough traffic: inactive', from: newAlert, verdict: 'insufficient', now: 500, state: 'inactive' },
    { name: 'neither fires nor resolves without enough traffic: pending', from: pending(0), verdict: 'insufficient', now: 500, state: 'pending' },
    { name: 'neither fires nor resolves without enough traffic: firing', from: firing, verdict: 'insufficient', now: 500, state: 'firing' },
    { name: 'starts its time again when the clock went back', from: pending(1_000), verdict: 'alarm', now: 100, state: 'pending' },
  ] as const)('$name', ({ from, verdict, now, state, ...more }) => {
    const step = nextAlertState(from, verdict, 60, at(now));
    expect(step.position.state).toBe(state);
    expect(step.transition).toBe('transition' in more ? more.transition : undefined);
  });

  it('fires at once when no time is asked', () => {
    expect(nextAlertState(newAlert, 'alarm', 0, at(5))).toMatchObject({ position: { state: 'firing', firingAt: at(5) }, transition: 'firing' });
  });

  it('fires again after the clock went back, after the whole time', () => {
    const step = nextAlertState(pending(1_000), 'alarm', 60, at(100));
    expect(step.position.pendingAt).toEqual(at(100));
    expect(nextAlertState(step.position, 'alarm', 60, at(160)).transition).toBe('firing');
  });

  it.each([
    { from: firing, state: 'resolved', transition: 'resolved' },
    { from: pending(0), state: 'inactive', transition: undefined },
    { from: newAlert, state: 'inactive', transition: undefined },
    { from: resolved, state: 'resolved', transition: undefined },
  ])('ends from $from.state as $state', ({ from, state, transition }) => {
    const step = endAlert(from, at(700));
    expect([step.position.state, step.transition]).toEqual([state, transition]);
  });

  it('tells firing and resolved in turn, whatever happens and however often it is judged', () => {
    const verdict = fc.constantFrom('ok' as const, 'alarm' as const, 'insufficient' as const);
    const steps = fc.array(fc.record({ verdict, ms: fc.integer({ min: -60_000, max: 60_000 }) }), { maxLength: 100 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 90 }), (sequence, forSeconds) => {
        let position: AlertPosition = newAlert;
        let now = at(0).getTime();
        const told: string[] = [];
        for (const one of sequence) {
          now += one.ms;
          for (let twice = 0; twice < 2; twice += 1) {
            const step = nextAlertState(position, one.verdict, forSeconds, new Date(now));
            if (step.transition !== undefined) told.push(step.transition);
            position = step.position;
          }
        }
        told.forEach((transition, index) => {
          expect(transition).toBe(index % 2 === 0 ? 'firing' : 'resolved');
        });
        expect(position.state === 'firing').toBe(told.length % 2 === 1);
      }),
    );
  });
});
