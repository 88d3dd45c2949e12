import type { Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { describe, expect, it } from 'vitest';
import { NaturalRepeats } from './natural-repeats.js';

const task: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };
const hourMs = 3_600_000;
const input = (...values: number[]): Tensor[] => [{ name: 'x', datatype: 'FP32', shape: [1, values.length], data: Float32Array.from(values) }];
const text = (...values: string[]): Tensor[] => [{ name: 't', datatype: 'BYTES', shape: [values.length], data: values }];
const answer = (value: number): Tensor[] => [{ name: 'y', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(value) }];

function watching(nowMs = 5 * hourMs) {
  const clock = { now: nowMs };
  const natural = new NaturalRepeats(task, () => clock.now);
  natural.report();
  return { natural, clock, windows: () => natural.report().windows };
}

describe('inputs that came more than once', () => {
  it('are compared with each other, by the hour', () => {
    const { natural, clock, windows } = watching();
    natural.note(input(1, 2), answer(5));
    natural.note(input(1, 2), answer(5));
    natural.note(input(3, 4), answer(1));
    natural.note(input(3, 4), answer(3));
    natural.note(input(9, 9), answer(7));
    expect(windows()).toMatchObject([{ startAtMs: 5 * hourMs, n: 2, varianceSum: 2, relativeMax: Math.SQRT2 / 2 }]);
    clock.now += hourMs;
    natural.note(input(1, 2), answer(6));
    expect(windows()).toMatchObject([
      { startAtMs: 5 * hourMs, n: 2 },
      { startAtMs: 6 * hourMs, n: 0 },
    ]);
  });

  it('are not looked at before somebody asks, nor when nobody has for long', () => {
    const natural = new NaturalRepeats(task, () => 5 * hourMs);
    for (let at = 0; at < 3; at += 1) natural.note(input(1), answer(at));
    expect(natural.report().windows).toMatchObject([{ n: 0 }]);
    const late = watching();
    late.clock.now += hourMs / 2;
    for (let at = 0; at < 3; at += 1) late.natural.note(input(1), answer(at));
    expect(late.windows()).toMatchObject([{ n: 0 }]);
  });

  it('are told apart by names, shapes and every value, texts too; large ones are left out', () => {
    const { natural, windows } = watching();
    const [first] = input(1, 2);
    if (first === undefined) throw new Error('expected an input');
    const different = [input(1, 2), input(2, 1), input(1, 2.0000002), [{ ...first, shape: [2, 1] }], [{ ...first, name: 'z' }]];
    for (const inputs of [...different, text('ab', 'c'), text('a', 'bc')]) natural.note(inputs, answer(Math.random()));
    for (let at = 0; at < 2; at += 1) natural.note(input(...new Array<number>(2_000).fill(1)), answer(at));
    expect(windows()).toMatchObject([{ n: 0 }]);
  });

  it('are a fair sample of very many, each with all its repetitions, and none is made of two inputs', () => {
    const { natural, windows } = watching();
    const many = 50_000;
    for (let round = 0; round < 2; round += 1) {
      // Neighbouring whole numbers, which differ in few bits.
      for (let at = 0; at < many; at += 1) natural.note(input(at, 1, at % 7), answer(at + 1));
    }
    const [window] = windows();
    // The first round settles how many are followed; those have both their answers.
    expect(window?.n).toBeGreaterThan(300);
    expect(window?.n).toBeLessThanOrEqual(1_024);
    expect(window?.relativeMax).toBe(0);
  });
});
