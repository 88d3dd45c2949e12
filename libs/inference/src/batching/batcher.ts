import type { RequestQueue } from './request-queue.js';

/** Decides what runs together next. */
export interface Batcher<T> {
  /** Takes the next group from the queue; empty when nothing should run now. */
  next(queue: RequestQueue<T>): readonly T[];
}

/** Runs each request by itself, in the order of arrival. */
export class AloneBatcher<T> implements Batcher<T> {
  next(queue: RequestQueue<T>): readonly T[] {
    const item = queue.shift();
    return item === undefined ? [] : [item];
  }
}
