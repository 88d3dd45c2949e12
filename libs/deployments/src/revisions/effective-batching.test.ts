import { Batching, type Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { effectiveBatching } from './effective-batching.js';

const rows: Task = { kind: 'regression', rowAxis: 0 };
const noRows: Task = { kind: 'other', rowAxis: null };

describe('effectiveBatching', () => {
  it.each([
    { name: 'joins where the validation has proven it', wish: {}, rowsIndependent: true, task: rows, isOn: true },
    { name: 'does not join what mixes its rows', wish: {}, rowsIndependent: false, task: rows, isOn: false },
    { name: 'does not join what could not be tried', wish: {}, rowsIndependent: null, task: rows, isOn: false },
    { name: 'joins on the word of the revision', wish: { mode: 'on' }, rowsIndependent: null, task: rows, isOn: true },
    { name: 'joins nothing along no axis', wish: { mode: 'on' }, rowsIndependent: true, task: noRows, isOn: false },
    { name: 'joins nothing when switched off', wish: { mode: 'off' }, rowsIndependent: true, task: rows, isOn: false },
  ])('$name', ({ wish, rowsIndependent, task, isOn }) => {
    const batching = effectiveBatching(Batching.parse(wish), { rowsIndependent, task });
    expect(batching.isOn).toBe(isOn);
    expect(batching.maxBatchSize > 1).toBe(isOn);
  });

  it('bounds single requests only by a size that was stated', () => {
    const facts = { rowsIndependent: true, task: rows };
    expect(effectiveBatching(Batching.parse({}), facts)).toMatchObject({ isStated: false, maxBatchSize: 64 });
    expect(effectiveBatching(Batching.parse({ maxBatchSize: 8 }), facts)).toMatchObject({ isStated: true, maxBatchSize: 8 });
  });
});
