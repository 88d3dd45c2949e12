import type { QuotaLimits, QuotaPolicy } from '@slipway/contracts';
import type { Quota, RoutingDeployment } from '@slipway/deployments';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Refusal } from './answers.js';
import { gateBytesMax, gateWaitingMax } from './quota-gate.js';
import { QuotaGates, type QuotaPass } from './quota-gates.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const deployment = (id = 'dep_1', projectId = 'prj_1') => ({ deploymentId: id, projectId, name: id }) as RoutingDeployment;
const quota = (limits: QuotaLimits, policy: QuotaPolicy = 'refuse', deploymentId?: string, projectId = 'prj_1'): Quota => ({
  id: `qta_${deploymentId ?? projectId}`,
  projectId,
  deploymentId,
  limits,
  policy,
  updatedBy: 'key:a',
  updatedAt: new Date(),
});

/** A request that notes what became of it. */
class Guest {
  isIn = false;
  isOver = false;
  refusal: Refusal | undefined;
  pass: QuotaPass | undefined;
  readonly rank: number;
  readonly heldBytes: number;
  readonly deadlineAt: number;

  constructor(
    gates: QuotaGates,
    more: { of?: RoutingDeployment; rank?: number; heldBytes?: number; deadlineMs?: number; kind?: 'live' | 'probe' } = {},
  ) {
    this.rank = more.rank ?? 0;
    this.heldBytes = more.heldBytes ?? 10;
    this.deadlineAt = performance.now() + (more.deadlineMs ?? 60_000);
    this.pass = gates.passFor(this, more.of ?? deployment(), more.kind ?? 'live');
    if (this.pass === undefined) this.letIn();
    else this.pass.enter();
  }
  letIn(): void {
    this.isIn = true;
  }
  fail(refusal: Refusal): void {
    this.refusal = refusal;
    this.end();
  }
  end(): void {
    this.isOver = true;
    this.pass?.leave();
  }
}
const many = (gates: QuotaGates, count: number, more: ConstructorParameters<typeof Guest>[1] = {}) =>
  Array.from({ length: count }, () => new Guest(gates, more));
const countIn = (guests: readonly Guest[]) => guests.filter((guest) => guest.isIn).length;
function gatesOf(...quotas: Quota[]): QuotaGates {
  const gates = new QuotaGates();
  gates.apply(quotas);
  return gates;
}

describe('quotas on predictions', () => {
  it('let everything through where nothing is limited, and what is not a prediction of a caller', () => {
    expect(countIn(many(gatesOf(), 5))).toBe(5);
    expect(countIn(many(gatesOf(quota({ replicas: 1 })), 5))).toBe(5);
    expect(countIn(many(gatesOf(quota({ concurrency: 1 })), 5, { kind: 'probe' }))).toBe(5);
  });

  it('refuse what is over the rate, and say when to come back', () => {
    const gates = gatesOf(quota({ requestsPerSecond: 0.5, burst: 3 }));
    const guests = many(gates, 5);
    expect(countIn(guests)).toBe(3);
    expect(guests[4]?.refusal).toMatchObject({
      code: 'QUOTA_LIMITED',
      retryAfterSeconds: 2,
      message: expect.stringContaining('0.5 predictions a second'),
    });
    vi.advanceTimersByTime(2_000);
    expect(countIn(many(gates, 3))).toBe(1);
    expect(gates.find('prj_1')?.refusals).toEqual({ requestsPerSecond: 4, concurrency: 0 });
  });

  it('say a day at most, however small the rate is', () => {
    const [, second] = many(gatesOf(quota({ requestsPerSecond: 1e-300 })), 2);
    expect(second?.refusal).toMatchObject({ code: 'QUOTA_LIMITED', retryAfterSeconds: 86_400 });
  });

  it('refuse what is over the number at a time, until one leaves', () => {
    const gates = gatesOf(quota({ concurrency: 2 }, 'refuse', 'dep_1'));
    const [first, ...others] = many(gates, 3);
    expect(countIn(others)).toBe(1);
    expect(others[1]?.refusal).toMatchObject({ code: 'QUOTA_LIMITED', message: expect.stringContaining('2 predictions at a time') });
    first?.end();
    first?.end();
    expect(countIn(many(gates, 2))).toBe(1);
  });

  it('keep what waits for its turn in order, the higher ranks first', () => {
    const gates = gatesOf(quota({ concurrency: 1 }, 'queue'));
    const running = new Guest(gates);
    const [low, high] = [new Guest(gates, { rank: 5 }), new Guest(gates, { rank: 1 })];
    expect([low.isIn, high.isIn]).toEqual([false, false]);
    running.end();
    expect([low.isIn, high.isIn]).toEqual([false, true]);
    high.end();
    expect(low.isIn).toBe(true);
  });

  it('let a burst through and the rest at the rate when they queue, all at the rate when they throttle', () => {
    const queued = many(gatesOf(quota({ requestsPerSecond: 10, burst: 5 }, 'queue')), 20);
    const throttled = many(gatesOf(quota({ requestsPerSecond: 10, burst: 5 }, 'throttle')), 20);
    expect([countIn(queued), countIn(throttled)]).toEqual([5, 1]);
    vi.advanceTimersByTime(1_001);
    expect([countIn(queued), countIn(throttled)]).toEqual([15, 11]);
    vi.advanceTimersByTime(1_001);
    expect([countIn(queued), countIn(throttled)]).toEqual([20, 20]);
  });

  it('refuse at once what could not go before its deadline', () => {
    const gates = gatesOf(quota({ requestsPerSecond: 1 }, 'queue'));
    many(gates, 3);
    expect(new Guest(gates, { deadlineMs: 1_500 }).refusal).toMatchObject({ code: 'QUOTA_LIMITED', retryAfterSeconds: 3 });
    expect(new Guest(gates, { deadlineMs: 3_500 }).refusal).toBeUndefined();
  });

  it('hold so many requests, and so many bytes, and no more', () => {
    const gates = gatesOf(quota({ concurrency: 1 }, 'queue'));
    many(gates, 1 + gateWaitingMax);
    expect(gates.find('prj_1')?.waitingCount).toBe(gateWaitingMax);
    expect(new Guest(gates).refusal).toMatchObject({ code: 'QUOTA_LIMITED' });
    const heavy = gatesOf(quota({ concurrency: 1 }, 'queue'));
    const [, half, other, more] = many(heavy, 4, { heldBytes: gateBytesMax / 2 });
    expect([half?.refusal, other?.refusal, more?.refusal?.code]).toEqual([undefined, undefined, 'QUOTA_LIMITED']);
    half?.end();
    expect(new Guest(heavy, { heldBytes: gateBytesMax / 2 }).refusal).toBeUndefined();
  });

  it('give back what a request took of its deployment when its project refuses it', () => {
    const gates = gatesOf(quota({ requestsPerSecond: 2, burst: 2, concurrency: 5 }, 'refuse', 'dep_1'), quota({ concurrency: 1 }));
    const first = new Guest(gates, { of: deployment('dep_2') });
    expect(countIn(many(gates, 10))).toBe(0);
    expect(gates.find('dep_1')?.inside).toBe(0);
    first.end();
    const [one] = many(gates, 1);
    expect(one?.isIn).toBe(true);
    one?.end();
    expect(countIn(many(gates, 1))).toBe(1);
  });

  it('make nobody else wait for one that is at its limit', () => {
    const gates = gatesOf(quota({ requestsPerSecond: 1 }, 'queue', 'dep_1'), quota({ concurrency: 3 }, 'queue', undefined, 'prj_2'));
    many(gates, 500);
    expect(countIn(many(gates, 100, { of: deployment('dep_2') }))).toBe(100);
    many(gates, 500, { of: deployment('dep_3', 'prj_2') });
    expect(countIn(many(gates, 100, { of: deployment('dep_4', 'prj_3') }))).toBe(100);
  });

  it('follow a change at once: more, less, another way, none', () => {
    const gates = gatesOf(quota({ requestsPerSecond: 1 }, 'queue'));
    const guests = many(gates, 50);
    expect(countIn(guests)).toBe(1);
    gates.apply([quota({ requestsPerSecond: 1_000, burst: 10 }, 'queue')]);
    expect(countIn(guests)).toBeGreaterThanOrEqual(9);
    gates.apply([quota({ requestsPerSecond: 1 }, 'refuse')]);
    expect(new Guest(gates).refusal).toMatchObject({ code: 'QUOTA_LIMITED' });
    gates.apply([]);
    expect(countIn(guests)).toBe(50);
    expect(countIn(many(gates, 10))).toBe(10);
    for (const guest of guests) guest.end();
  });

  it('end a thousand that wait and fail one after the other', () => {
    const gates = gatesOf(quota({ concurrency: 1 }, 'queue'));
    const running = new Guest(gates);
    const guests = many(gates, 1_000);
    for (const guest of guests) guest.letIn = () => guest.fail({ code: 'DEPLOYMENT_NOT_READY', message: 'nothing serves' });
    running.end();
    expect(guests.every((guest) => guest.isOver)).toBe(true);
    expect(gates.find('prj_1')?.inside).toBe(0);
  });

  it('count right whatever comes, goes and gives up', () => {
    const steps = fc.array(fc.oneof(fc.constant('come'), fc.constant('go'), fc.constant('give up'), fc.constant('time')), { maxLength: 200 });
    const policies = fc.constantFrom<QuotaPolicy>('refuse', 'queue', 'throttle');
    fc.assert(
      fc.property(steps, policies, fc.integer({ min: 1, max: 4 }), (todo, policy, concurrency) => {
        const gates = gatesOf(quota({ concurrency, requestsPerSecond: 50 }, policy, 'dep_1'), quota({ concurrency: 3 }, policy));
        const guests: Guest[] = [];
        for (const step of todo) {
          if (step === 'come') guests.push(new Guest(gates));
          else if (step === 'time') vi.advanceTimersByTime(30);
          else guests.find((guest) => !guest.isOver && guest.isIn === (step === 'go'))?.end();
          const over = guests.filter((guest) => guest.refusal !== undefined);
          expect(over.every((guest) => !guest.isIn)).toBe(true);
          expect(gates.find('prj_1')?.inside).toBeLessThanOrEqual(3);
          expect(gates.find('dep_1')?.inside).toBeLessThanOrEqual(concurrency);
          expect(gates.find('prj_1')?.inside).toBe(guests.filter((guest) => guest.isIn && !guest.isOver).length);
        }
        for (const guest of guests) guest.end();
        expect([gates.find('prj_1')?.inside, gates.find('dep_1')?.inside, gates.find('dep_1')?.waitingCount]).toEqual([0, 0, 0]);
        gates.close();
      }),
      { numRuns: 60 },
    );
  });
});
