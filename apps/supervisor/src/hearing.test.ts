import { expect, it } from 'vitest';
import { afterAsking, type Hearing, isDeaf } from './hearing.js';

const start: Hearing = { askedAtMs: 0, silentMs: 0 };
const ask = (answers: readonly boolean[], everyMs = 1_000): Hearing =>
  answers.reduce((at, answered, index) => afterAsking(at, answered, (index + 1) * everyMs), start);
const silence = (questions: number): boolean[] => Array(questions).fill(false);

it('bears silence for fifteen seconds and no longer', () => {
  expect(isDeaf(ask(silence(15)))).toBe(false);
  expect(isDeaf(ask(silence(16)))).toBe(true);
});

it('starts anew with every answer', () => {
  expect(isDeaf(ask([...silence(15), true, ...silence(15)]))).toBe(false);
});

it('does not blame a program for its own pause', () => {
  const paused = afterAsking(ask([true, false]), false, 600_000);
  expect(paused.silentMs).toBe(3_500);
  expect(isDeaf(paused)).toBe(false);
});

it('notices a silent program also when it is itself short of time', () => {
  expect(isDeaf(ask(silence(7), 4_000))).toBe(true);
});
