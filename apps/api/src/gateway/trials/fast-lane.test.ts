import type { Outcome } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { CopyPace } from './copy-pace.js';
import { FastLane, type Fault, type TrialSide } from './fast-lane.js';

const limits = { crashes: 2, consecutiveErrors: 5, hardErrorShare: 0.5, hardMinRequests: 20 };
type Step = readonly [side: TrialSide, outcome: Outcome | 'crash' | 'impatience', times?: number];

function causeAfter(steps: readonly Step[]): string | undefined {
  const lane = new FastLane(limits);
  let cause: string | undefined;
  for (const [side, outcome, times = 1] of steps) for (let at = 0; at < times; at += 1) cause = tell(lane, side, outcome)?.cause ?? cause;
  return cause;
}

function tell(lane: FastLane, side: TrialSide, outcome: Step[1]): Fault | undefined {
  if (outcome === 'crash') return lane.crashed(side);
  return outcome === 'impatience' ? lane.note(side, 'deadline_exceeded', false) : lane.note(side, outcome);
}

const mixed = (times: number): Step[] =>
  Array.from({ length: times }, () => [['candidate', 'runtime_error', 2] as const, ['candidate', 'success', 1] as const]).flat();

describe('FastLane', () => {
  it.each<{ name: string; steps: readonly Step[]; cause: string | undefined }>([
    { name: 'lets one crash pass', steps: [['candidate', 'crash']], cause: undefined },
    { name: 'does not let a second one pass', steps: [['candidate', 'crash', 2]], cause: 'CANDIDATE_CRASHED' },
    {
      name: 'does not blame the candidate when stable crashes as well',
      steps: [
        ['stable', 'crash', 2],
        ['candidate', 'crash', 2],
      ],
      cause: undefined,
    },
    {
      name: 'lets fewer errors in a row pass',
      steps: [
        ['candidate', 'runtime_error', 4],
        ['candidate', 'success'],
        ['candidate', 'runtime_error', 4],
      ],
      cause: undefined,
    },
    { name: 'stops at k errors in a row', steps: [['candidate', 'deadline_exceeded', 5]], cause: 'CONSECUTIVE_ERRORS' },
    {
      name: 'lets a fault pass that hits both',
      steps: [
        ['stable', 'runtime_error', 5],
        ['candidate', 'runtime_error', 5],
      ],
      cause: undefined,
    },
    {
      name: 'does not count what callers did wrong',
      steps: [
        ['candidate', 'invalid_input', 50],
        ['candidate', 'cancelled', 50],
      ],
      cause: undefined,
    },
    {
      name: 'does not count each request that is lost with one process',
      steps: [
        ['candidate', 'instance_crashed', 50],
        ['candidate', 'crash'],
      ],
      cause: undefined,
    },
    { name: 'does not count refusals for want of room', steps: [['candidate', 'rejected_queue_full', 50]], cause: undefined },
    { name: 'does not count deadlines of callers with no patience', steps: [['candidate', 'impatience', 50]], cause: undefined },
    {
      name: 'lets no such deadline interrupt a row of errors',
      steps: [
        ['candidate', 'deadline_exceeded', 4],
        ['candidate', 'impatience'],
        ['candidate', 'deadline_exceeded'],
      ],
      cause: 'CONSECUTIVE_ERRORS',
    },
    { name: 'waits for enough requests before it looks at the share', steps: mixed(6), cause: undefined },
    { name: 'stops above the hard share', steps: mixed(7), cause: 'HARD_ERROR_SHARE' },
    { name: 'catches one that breaks late', steps: [['candidate', 'success', 1000], ...mixed(40)], cause: 'HARD_ERROR_SHARE' },
  ])('$name', ({ steps, cause }) => {
    expect(causeAfter(steps)).toBe(cause);
  });
});

describe('CopyPace', () => {
  it('makes at most so many copies a second, and as many at once', () => {
    const pace = new CopyPace(10, 1);
    let made = 0;
    for (let ms = 0; ms < 10_000; ms += 1) if (pace.take(ms)) made += 1;
    expect(made).toBeGreaterThanOrEqual(98);
    expect(made).toBeLessThanOrEqual(111);
  });

  it('takes no more of the model than its share of a core', () => {
    const pace = new CopyPace(Number.POSITIVE_INFINITY, 0.2);
    let micros = 0;
    for (let ms = 0; ms < 10_000; ms += 1)
      if (pace.take(ms)) {
        pace.spend(50_000);
        micros += 50_000;
      }
    expect(micros / 10e6).toBeGreaterThan(0.19);
    expect(micros / 10e6).toBeLessThan(0.23);
  });

  it('makes none at a pace of none', () => {
    expect(new CopyPace(0, 1).take(0)).toBe(false);
  });
});
