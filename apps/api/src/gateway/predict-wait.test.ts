import { describe, expect, it } from 'vitest';
import { predictWait } from './predict-wait.js';

describe('predictWait', () => {
  it.each([
    {
      name: 'knows nothing of instances that have answered nothing',
      ahead: 50,
      servers: [{ outstanding: 3, requestMicros: 0, runMicros: 0 }],
      ms: 0,
      patienceMs: 3_000,
    },
    {
      name: 'counts what is before it, outside and inside',
      ahead: 8,
      servers: [{ outstanding: 2, requestMicros: 10_000, runMicros: 10_000 }],
      ms: 100,
      patienceMs: 3_000,
    },
    {
      name: 'shares the work among instances',
      ahead: 8,
      servers: [
        { outstanding: 1, requestMicros: 10_000, runMicros: 10_000 },
        { outstanding: 1, requestMicros: 10_000, runMicros: 10_000 },
      ],
      ms: 50,
      patienceMs: 3_000,
    },
    {
      name: 'has more patience with slow models',
      ahead: 0,
      servers: [{ outstanding: 1, requestMicros: 1e6, runMicros: 1e6 }],
      ms: 1_000,
      patienceMs: 32_000,
    },
  ])('$name', ({ ahead, servers, ms, patienceMs }) => {
    const wait = predictWait(ahead, servers);
    expect(wait.ms).toBeCloseTo(ms, 6);
    expect(wait.patienceMs).toBe(patienceMs);
    expect(wait.untilAnswerMs).toBeGreaterThanOrEqual(wait.ms);
  });
});
