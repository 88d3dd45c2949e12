import fc from 'fast-check';
import { expect, it } from 'vitest';
import { afterLook, isHanging, type Silence } from './silence.js';

const start: Silence = { lookedAtMs: 0, silentMs: 0 };

function looks(answers: readonly boolean[], everyMs = 1_000): Silence {
  return answers.reduce((at, answered, index) => afterLook(at, answered, (index + 1) * everyMs), start);
}

it('takes silence within the deadline and a second for work', () => {
  expect(isHanging(looks([false, false]), 1_000)).toBe(false);
  expect(isHanging(looks([false, false, false]), 1_000)).toBe(true);
});

it('starts anew with every answer', () => {
  expect(looks([false, false, true, false]).silentMs).toBe(1_000);
});

it('does not take its own pause for silence of the instance', () => {
  const paused = afterLook(looks([true, false]), false, 42_000);
  expect(paused.silentMs).toBe(3_500);
  expect(isHanging(paused, 30_000)).toBe(false);
});

it('still finds a hanging instance when it is itself short of time', () => {
  expect(isHanging(looks([false, false, false], 3_000), 5_000)).toBe(true);
});

it('never judges sooner than the deadline, however irregular the looks', () => {
  const steps = fc.array(fc.record({ gapMs: fc.integer({ min: 1, max: 60_000 }), answered: fc.boolean() }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 100, max: 30_000 }), (all, deadlineMs) => {
      let at = start;
      let nowMs = 0;
      let answeredAtMs = 0;
      for (const { gapMs, answered } of all) {
        nowMs += gapMs;
        if (answered) answeredAtMs = nowMs;
        at = afterLook(at, answered, nowMs);
        if (isHanging(at, deadlineMs)) expect(nowMs - answeredAtMs).toBeGreaterThan(deadlineMs);
      }
    }),
  );
});
