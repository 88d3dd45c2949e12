import { expect, it } from 'vitest';
import { RequestQueue } from './request-queue.js';

it('gives back in the order of arrival and refuses what is over its bound', () => {
  const queue = new RequestQueue<number>(2);
  expect([queue.push(1), queue.push(2), queue.push(3)]).toEqual([true, true, false]);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 2, undefined]);
});

it('lets go of what it gave back, also when it is never empty', () => {
  const queue = new RequestQueue<number>(8);
  queue.push(0);
  for (let round = 1; round <= 10_000; round += 1) {
    queue.push(round);
    expect(queue.shift()).toBe(round - 1);
  }
  expect(queue.size).toBe(1);
  // The list behind it must not grow with what has passed through: each entry would hold a request's whole body.
  const items: unknown = Reflect.get(queue, 'items');
  expect(Array.isArray(items) ? items.filter((item) => item !== undefined).length : 0).toBe(1);
  expect(Array.isArray(items) ? items.length : 0).toBeLessThan(3_000);
});

it('drops what matches and keeps the order of the rest', () => {
  const queue = new RequestQueue<number>(8);
  for (const item of [1, 2, 3, 4]) queue.push(item);
  queue.shift();
  expect(queue.remove((item) => item % 2 === 1)).toBe(1);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([2, 4, undefined]);
});
