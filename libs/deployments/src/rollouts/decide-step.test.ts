import { RolloutPlan } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instance, noon, rollout, secondsAgo } from '../testing/build-state.js';
import { judgement } from '../testing/judgement.js';
import type { StageObservation } from './decide-stage.js';
import { type Decision, decideStep, type RolloutObservation } from './decide-step.js';
import type { Rollout } from './rollout.js';

const deployment = { epoch: 1, suspended: false, deleted: false };
const ready = (id: string) => instance(id, 'r2');
const failed = (id: string, reason = 'no memory') =>
  instance(id, 'r2', { status: 'FAILED', reason, createdAt: secondsAgo(30), updatedAt: secondsAgo(20) });
const nothingSeen: RolloutObservation = { deployment, replicas: 2, stableReplicas: 2, unplacedReason: undefined, instances: [] };
const seen = (given: Partial<RolloutObservation> = {}): RolloutObservation => ({ ...nothingSeen, ...given });
const warm = [ready('a'), ready('b')];

interface Case {
  readonly name: string;
  readonly rollout?: Partial<Rollout>;
  readonly seen?: Partial<RolloutObservation>;
  readonly expected: object;
}

const decide = (row: Case) => decideStep(rollout('r2', row.rollout), seen(row.seen), noon);

describe('decideStep while warming', () => {
  it.each<Case>([
    { name: 'waits while nothing is ready', expected: { kind: 'wait', waitingFor: '2 of 2 instances to become ready' } },
    {
      name: 'says what instances lack that find no host',
      seen: { unplacedReason: 'no host has room' },
      expected: { kind: 'wait', waitingFor: '2 of 2 instances to become ready: no host has room' },
    },
    { name: 'waits while one of two is ready', seen: { instances: [ready('a')] }, expected: { kind: 'wait' } },
    { name: 'completes all at once when all wanted replicas are ready', seen: { instances: warm }, expected: { kind: 'complete' } },
    {
      name: 'does not count an instance that is asked to stop',
      seen: { instances: [ready('a'), instance('b', 'r2', { wish: 'STOP' })] },
      expected: { kind: 'wait' },
    },
    { name: 'waits after two failures', seen: { instances: [failed('a'), failed('b')] }, expected: { kind: 'wait' } },
    {
      name: 'aborts after three failures with the reason of the last one',
      seen: { instances: [failed('a'), failed('b'), { ...failed('c', 'bad opset'), updatedAt: secondsAgo(1) }] },
      expected: { kind: 'abort', cause: 'CANDIDATE_FAILED', detail: expect.stringContaining('bad opset') },
    },
    {
      name: 'does not blame it for failures of an earlier attempt',
      seen: { instances: ['a', 'b', 'c'].map((id) => ({ ...failed(id), createdAt: secondsAgo(500) })) },
      expected: { kind: 'wait' },
    },
    {
      name: 'completes in spite of failures once enough are ready',
      seen: { instances: [failed('a'), failed('b'), failed('c'), ready('d'), ready('e')] },
      expected: { kind: 'complete' },
    },
    { name: 'waits until its time is over', rollout: { stepStartedAt: secondsAgo(299) }, expected: { kind: 'wait' } },
    {
      name: 'aborts when its time is over, though nearly there',
      rollout: { stepStartedAt: secondsAgo(300) },
      seen: { instances: [ready('a')] },
      expected: { kind: 'abort', cause: 'TIMED_OUT', detail: '1 of 2 instances became ready within 300 s' },
    },
    {
      name: 'says then what was missing',
      rollout: { stepStartedAt: secondsAgo(300) },
      seen: { unplacedReason: 'no host has room' },
      expected: { kind: 'abort', cause: 'TIMED_OUT', detail: '0 of 2 instances became ready within 300 s: no host has room' },
    },
    { name: 'aborts on request, though ready', rollout: { wish: 'abort' }, seen: { instances: warm }, expected: { cause: 'ABORT_REQUESTED' } },
    { name: 'gives way to a newer wish', rollout: { wish: 'supersede' }, expected: { kind: 'abort', cause: 'SUPERSEDED' } },
    {
      name: 'gives way to a newer epoch, though ready',
      seen: { deployment: { ...deployment, epoch: 2 }, instances: warm },
      expected: { kind: 'abort', cause: 'SUPERSEDED' },
    },
    { name: 'ends with its deployment', seen: { deployment: { ...deployment, deleted: true } }, expected: { kind: 'abort', cause: 'SUPERSEDED' } },
    {
      name: 'ends when its deployment is suspended',
      seen: { deployment: { ...deployment, suspended: true } },
      expected: { kind: 'abort', cause: 'SUPERSEDED' },
    },
  ])('$name', (row) => {
    expect(decide(row)).toEqual(expect.objectContaining(row.expected));
  });
});

const canary = RolloutPlan.parse({
  strategy: 'canary',
  stages: [
    { kind: 'shadow', samplePercent: 40, minRequests: 10 },
    { kind: 'step', weightPercent: 1, minDurationSeconds: 30, minRequests: 50, maxDurationSeconds: 600 },
    { kind: 'step', weightPercent: 25, minRequests: 100, approval: true },
  ],
});
/** In the first step of it. */
const inStep = (given: Partial<Rollout> = {}): Partial<Rollout> => ({
  strategy: 'canary',
  plan: canary,
  fromRevisionId: 'r1',
  phase: 'step',
  step: 1,
  weightPercent: 1,
  stepStartedAt: secondsAgo(60),
  ...given,
});
const stage = (given: Partial<StageObservation> = {}): Partial<RolloutObservation> => ({
  instances: warm,
  stage: { judgements: [judgement('pass')], requests: 50, ...given },
});
const window = { name: 'christmas', until: new Date('2026-01-02T00:00:00Z'), reason: undefined };
const waits = (text: RegExp) => ({ kind: 'wait', waitingFor: expect.stringMatching(text) });
const entersStep2 = { kind: 'enter', place: { phase: 'step', step: 2, weightPercent: 25, shadowPercent: 0 } };

describe('decideStep with stages', () => {
  it.each<Case>([
    {
      name: 'waits for its time',
      rollout: inStep({ phase: 'validating', scheduledFor: new Date(noon.getTime() + 400) }),
      expected: { ...waits(/its time, 2026/), retryInMs: 400 },
    },
    {
      name: 'waits for a freeze window to end',
      rollout: inStep({ phase: 'validating' }),
      seen: { frozen: window },
      expected: waits(/the end of the freeze window "christmas" at 2026-01-02/),
    },
    {
      name: 'does not wait for it when somebody said so',
      rollout: inStep({ phase: 'validating', overrideFreeze: true }),
      seen: { frozen: window },
      expected: { kind: 'enter', action: 'started', place: expect.objectContaining({ phase: 'warming' }) },
    },
    {
      name: 'enters its first stage when it is warm',
      rollout: inStep({ phase: 'warming', step: 0, weightPercent: 0 }),
      seen: { instances: warm },
      expected: { kind: 'enter', action: 'stage_entered', place: { phase: 'shadowing', step: 0, weightPercent: 0, shadowPercent: 40 } },
    },
    {
      name: 'goes from shadow to the first step',
      rollout: inStep({ phase: 'shadowing', step: 0, weightPercent: 0, shadowPercent: 40 }),
      seen: stage({ requests: 10 }),
      expected: { kind: 'enter', place: { phase: 'step', step: 1, weightPercent: 1, shadowPercent: 0 } },
    },
    { name: 'goes to the next step', rollout: inStep(), seen: stage(), expected: entersStep2 },
    { name: 'says that there is no traffic', rollout: inStep(), seen: stage({ requests: 0 }), expected: waits(/^traffic: no request has come/) },
    { name: 'waits for requests', rollout: inStep(), seen: stage({ requests: 49 }), expected: waits(/1 more of 50 requests/) },
    {
      name: 'waits for the shortest time',
      rollout: inStep({ stepStartedAt: secondsAgo(29) }),
      seen: stage(),
      expected: waits(/shortest time, 1 s more/),
    },
    {
      name: 'waits for evidence',
      rollout: inStep(),
      seen: stage({ judgements: [judgement('not_enough_evidence')] }),
      expected: waits(/evidence: error share: not_enough_evidence/),
    },
    {
      name: 'is held when the longest time is over without it',
      rollout: inStep({ stepStartedAt: secondsAgo(600) }),
      seen: stage({ judgements: [judgement('not_enough_evidence')] }),
      expected: { kind: 'hold', reason: expect.stringMatching(/longest time of 600 s is over; it still waited for evidence/) },
    },
    {
      name: 'is held when the longest time is over without traffic',
      rollout: inStep({ stepStartedAt: secondsAgo(600) }),
      seen: stage({ requests: 0, judgements: [] }),
      expected: { kind: 'hold', reason: expect.stringContaining('no request has come') },
    },
    {
      name: 'waits for approval, also beyond the longest time',
      rollout: inStep({ step: 2, weightPercent: 25, stepStartedAt: secondsAgo(200_000) }),
      seen: stage({ requests: 100 }),
      expected: waits(/approval/),
    },
    {
      name: 'is promoted after the last stage',
      rollout: inStep({ step: 2, weightPercent: 25, approvedStage: 2 }),
      seen: stage({ requests: 100 }),
      expected: { kind: 'complete' },
    },
    {
      name: 'is held after the last stage when the plan says so',
      rollout: inStep({ step: 2, approvedStage: 2, plan: { ...canary, afterStages: 'hold' } }),
      seen: stage({ requests: 100 }),
      expected: { kind: 'hold' },
    },
    {
      name: 'ends after the last stage when the plan says so',
      rollout: inStep({
        phase: 'shadowing',
        step: 0,
        plan: RolloutPlan.parse({ strategy: 'shadow', afterStages: 'end', stages: [{ kind: 'shadow' }] }),
      }),
      seen: stage(),
      expected: { kind: 'end' },
    },
    {
      name: 'does not go on while an instance is missing',
      rollout: inStep(),
      seen: { ...stage(), instances: [ready('a')] },
      expected: waits(/1 of 2/),
    },
    {
      name: 'is held when one is still missing after the longest time',
      rollout: inStep({ stepStartedAt: secondsAgo(600) }),
      seen: { ...stage(), instances: [ready('a')], unplacedReason: 'no host has room' },
      expected: {
        kind: 'hold',
        reason: "the stage's longest time of 600 s is over; it still waited for 1 of 2 instances to become ready: no host has room",
      },
    },
    { name: 'does not go on without evidence to read', rollout: inStep(), seen: { instances: warm }, expected: waits(/evidence of the stage/) },
    { name: 'does not go on in a freeze window', rollout: inStep(), seen: { ...stage(), frozen: window }, expected: waits(/christmas/) },
    {
      name: 'is taken back by a guard that fails',
      rollout: inStep(),
      seen: stage({ judgements: [judgement('fail')] }),
      expected: { kind: 'abort', cause: 'GUARD_FAILED', detail: 'error share: fail' },
    },
    {
      name: 'is taken back at once, whatever the minima',
      rollout: inStep({ stepStartedAt: noon }),
      seen: stage({ requests: 1, judgements: [judgement('fail')] }),
      expected: { kind: 'abort', cause: 'GUARD_FAILED' },
    },
    ...(['PAUSED', 'HELD'] as const).map((status) => ({
      name: `is taken back while ${status} in a freeze window`,
      rollout: inStep({ status }),
      seen: { ...stage({ judgements: [judgement('fail')] }), frozen: window },
      expected: { kind: 'abort', cause: 'GUARD_FAILED' },
    })),
    ...(['PAUSED', 'HELD'] as const).map((status) => ({
      name: `does not go on while ${status}`,
      rollout: inStep({ status, waitingFor: 'a person' }),
      seen: stage(),
      expected: { kind: 'wait', waitingFor: 'a person' },
    })),
    {
      name: 'is held by a guard that fails when the plan says so',
      rollout: inStep({ plan: { ...canary, onFail: 'hold' } }),
      seen: stage({ judgements: [judgement('fail')] }),
      expected: { kind: 'hold', reason: 'error share: fail' },
    },
    {
      name: 'is held by a fault that both have',
      rollout: inStep(),
      seen: stage({ judgements: [judgement('common_fault')] }),
      expected: { kind: 'hold', reason: 'error share: common_fault' },
    },
    {
      name: 'goes on when a person has let that pass',
      rollout: inStep({ waived: [{ guard: 'error-share', outcome: 'common_fault' }] }),
      seen: stage({ judgements: [judgement('common_fault')] }),
      expected: entersStep2,
    },
    {
      name: 'is promoted on a word, though held',
      rollout: inStep({ status: 'HELD', promoteNow: true, plan: { ...canary, onFail: 'hold' } }),
      seen: stage({ requests: 0, judgements: [judgement('fail')] }),
      expected: { kind: 'complete' },
    },
    {
      name: 'is not promoted on a word while a guard fails that takes it back',
      rollout: inStep({ promoteNow: true }),
      seen: stage({ judgements: [judgement('fail')] }),
      expected: { kind: 'abort' },
    },
    {
      name: 'is not promoted on a word by the hand of somebody who cannot judge it',
      rollout: inStep({ promoteNow: true, waitingFor: 'more requests' }),
      seen: { instances: warm },
      expected: { kind: 'wait', waitingFor: 'more requests' },
    },
    {
      name: 'is promoted on a word while it warms up: there is nothing to judge',
      rollout: inStep({ phase: 'warming', step: 0, weightPercent: 0, promoteNow: true }),
      seen: { instances: warm },
      expected: { kind: 'complete' },
    },
    {
      name: 'is not promoted on a word before it is warm',
      rollout: inStep({ promoteNow: true }),
      seen: { ...stage(), instances: [ready('a')] },
      expected: { kind: 'wait' },
    },
  ])('$name', (row) => {
    expect(decide(row)).toEqual(expect.objectContaining(row.expected));
  });
});

describe('decideStep with a replay', () => {
  const plan = RolloutPlan.parse({
    strategy: 'canary',
    stages: [
      { kind: 'replay', requests: 200 },
      { kind: 'step', weightPercent: 1 },
    ],
  });
  const skipping = RolloutPlan.parse({ stages: [{ kind: 'replay', withoutRequests: 'skip' }] });
  const replaying = (given: Partial<Rollout> = {}) => inStep({ plan, phase: 'shadowing', step: 0, weightPercent: 0, ...given });
  const last = replaying({ strategy: 'all-at-once', plan: RolloutPlan.parse({ stages: [{ kind: 'replay' }] }) });
  it.each<Case>([
    { name: 'waits for it to begin', rollout: replaying(), seen: stage({ requests: 0 }), expected: waits(/to begin/) },
    {
      name: 'waits while it runs',
      rollout: replaying(),
      seen: stage({ replay: { kind: 'running', done: 7, total: 200 } }),
      expected: waits(/7 of 200/),
    },
    { name: 'goes on after it', rollout: replaying(), seen: stage({ replay: { kind: 'done' } }), expected: { kind: 'enter' } },
    {
      name: 'is taken back by what it showed',
      rollout: replaying(),
      seen: stage({ replay: { kind: 'done' }, judgements: [judgement('fail')] }),
      expected: { kind: 'abort', cause: 'GUARD_FAILED' },
    },
    {
      name: 'leaves it to the next stages to bring more evidence',
      rollout: replaying(),
      seen: stage({ replay: { kind: 'done' }, judgements: [judgement('not_enough_evidence', { value: 0 })] }),
      expected: { kind: 'enter' },
    },
    {
      name: 'is held, not promoted, when there are none',
      rollout: last,
      seen: stage({ replay: { kind: 'done' }, judgements: [judgement('not_enough_evidence')] }),
      expected: { kind: 'hold', reason: expect.stringMatching(/too few/) },
    },
    {
      name: 'is held when what it has shown is beyond a limit, though too little to be sure',
      rollout: replaying(),
      seen: stage({ replay: { kind: 'done' }, judgements: [judgement('not_enough_evidence', { value: 0.026, threshold: 0.002 })] }),
      expected: { kind: 'hold', reason: expect.stringContaining('speak against it') },
    },
    { name: 'is held without recorded requests', rollout: replaying(), seen: stage({ replay: { kind: 'no_requests' } }), expected: { kind: 'hold' } },
    {
      name: 'skips it without them when the plan says so',
      rollout: replaying({ strategy: 'all-at-once', plan: skipping }),
      seen: stage({ replay: { kind: 'no_requests' }, judgements: [] }),
      expected: { kind: 'complete' },
    },
    {
      name: 'is held when it cannot be replayed',
      rollout: replaying(),
      seen: stage({ replay: { kind: 'failed', reason: 'the disk is full' } }),
      expected: { kind: 'hold', reason: expect.stringContaining('the disk is full') },
    },
  ])('$name', (row) => {
    expect(decide(row)).toEqual(expect.objectContaining(row.expected));
  });
});

describe('decideStep of a rolling update', () => {
  const plan = RolloutPlan.parse({ strategy: 'rolling', batchReplicas: 2 });
  const rolling = (given: Partial<Rollout> = {}): Partial<Rollout> => ({ strategy: 'rolling', plan, fromRevisionId: 'r1', ...given });
  const five = (count: number): Partial<RolloutObservation> => ({
    replicas: 5,
    stableReplicas: 3,
    instances: Array.from({ length: count }, (_, k) => ready(`i${k}`)),
    stage: { judgements: [], requests: 0 },
  });
  it.each<Case>([
    { name: 'waits for its first batch', rollout: rolling(), seen: five(1), expected: waits(/1 of 2 instances/) },
    {
      name: 'gives the first batch its share',
      rollout: rolling(),
      seen: five(2),
      expected: { kind: 'enter', action: 'moved', place: { phase: 'step', step: 0, weightPercent: 40, shadowPercent: 0 } },
    },
    { name: 'waits for the next one', rollout: rolling({ phase: 'step', weightPercent: 40 }), seen: five(3), expected: waits(/1 of 4/) },
    {
      name: 'gives that its share',
      rollout: rolling({ phase: 'step', weightPercent: 40 }),
      seen: five(4),
      expected: { place: { phase: 'step', step: 0, weightPercent: 80, shadowPercent: 0 } },
    },
    { name: 'completes with the last one', rollout: rolling({ phase: 'step', weightPercent: 80 }), seen: five(5), expected: { kind: 'complete' } },
    {
      name: 'goes no further by the hand of somebody who cannot judge it',
      rollout: rolling({ phase: 'step', weightPercent: 80 }),
      seen: { ...five(5), stage: undefined },
      expected: { kind: 'wait' },
    },
    {
      name: 'is taken back by a guard that fails, though the last batch is ready',
      rollout: rolling({ phase: 'step', weightPercent: 80 }),
      seen: { ...five(5), stage: { judgements: [judgement('fail')], requests: 40 } },
      expected: { kind: 'abort', cause: 'GUARD_FAILED' },
    },
    {
      name: 'is aborted when a batch does not become ready in time',
      rollout: rolling({ phase: 'step', weightPercent: 40, stepStartedAt: secondsAgo(300) }),
      seen: five(3),
      expected: { kind: 'abort', cause: 'TIMED_OUT', detail: '3 of 4 instances became ready within 300 s' },
    },
  ])('$name', (row) => {
    expect(decide(row)).toEqual(expect.objectContaining(row.expected));
  });
});

const outcome = fc.constantFrom('pass', 'fail', 'not_enough_evidence', 'common_fault' as const);
const anyJudgements = fc.array(
  fc
    .record({ outcome, mode: fc.constantFrom('enforce', 'enforce', 'watch' as const), requestsNeeded: fc.option(fc.nat(1000), { nil: null }) })
    .map((row) => judgement(row.outcome, row)),
  { maxLength: 4 },
);
const anyStages = fc
  .tuple(
    fc.array(fc.constantFrom('replay', 'shadow' as const), { maxLength: 2 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }),
    fc.record({ minRequests: fc.nat(50), minDurationSeconds: fc.nat(60), approval: fc.boolean() }),
  )
  .map(([before, weights, bounds]) => [
    ...before.map((kind) => (kind === 'replay' ? { kind, requests: 5 } : { kind, ...bounds })),
    ...weights.toSorted((a, b) => a - b).map((weightPercent) => ({ kind: 'step' as const, weightPercent, ...bounds, maxDurationSeconds: 120 })),
  ]);
const anyPlan = fc
  .record({ stages: anyStages, onFail: fc.constantFrom('roll-back', 'hold' as const), afterStages: fc.constantFrom('promote', 'hold' as const) })
  .map((plan) => RolloutPlan.parse({ strategy: 'canary', ...plan }));
const isForward = ({ kind }: Decision) => kind === 'enter' || kind === 'complete' || kind === 'end';

describe('decideStep, whatever happens', () => {
  it('never moves forward while paused, held, frozen, not warm, or against an enforced guard', () => {
    const situation = fc.record({
      plan: anyPlan,
      step: fc.nat(6),
      status: fc.constantFrom('PROGRESSING', 'PAUSED', 'HELD' as const),
      wish: fc.option(fc.constantFrom('pause', 'abort', 'supersede' as const), { nil: undefined }),
      epoch: fc.integer({ min: 1, max: 2 }),
      isFrozen: fc.boolean(),
      readyCount: fc.nat(3),
      requests: fc.nat(60),
      judgements: anyJudgements,
      seconds: fc.nat(200),
    });
    fc.assert(
      fc.property(situation, (at) => {
        const step = at.step % at.plan.stages.length;
        const row = inStep({ plan: at.plan, step, status: at.status, wish: at.wish, approvedStage: step, stepStartedAt: secondsAgo(at.seconds) });
        const decision = decideStep(
          rollout('r2', row),
          seen({
            deployment: { ...deployment, epoch: at.epoch },
            instances: Array.from({ length: at.readyCount }, (_, k) => ready(`i${k}`)),
            frozen: at.isFrozen ? window : undefined,
            stage: { judgements: at.judgements, requests: at.requests, replay: { kind: 'done' } },
          }),
          noon,
        );
        const enforced = at.judgements.filter(({ mode }) => mode === 'enforce');
        const has = (word: string) => enforced.some((each) => each.outcome === word);
        if (isForward(decision)) {
          expect({ ...at, stopped: at.status !== 'PROGRESSING' || at.wish !== undefined }).toMatchObject({
            stopped: false,
            isFrozen: false,
            epoch: 1,
          });
          expect(at.readyCount).toBeGreaterThanOrEqual(2);
          expect({ fail: has('fail'), common: has('common_fault') }).toEqual({ fail: false, common: false });
          const current = at.plan.stages[step];
          if (current?.kind !== 'replay') expect(at.requests).toBeGreaterThanOrEqual(Math.max(1, current?.minRequests ?? 0));
        }
        if (has('fail') && at.plan.onFail === 'roll-back') expect(decision.kind).toBe('abort');
        if (decision.kind === 'enter') expect(decision.place.weightPercent).toBeLessThanOrEqual(weightOf(at.plan, decision.place.step));
      }),
      { numRuns: 2_000 },
    );
  });

  it('walks its stages in order, with no more weight than the plan says and never less than before, and always ends or asks a person', () => {
    fc.assert(
      fc.property(anyPlan, fc.infiniteStream(anyJudgements), fc.nat(5), (plan, words, perSecond) => {
        let row = rollout('r2', { strategy: 'canary', plan, fromRevisionId: 'r1', stepStartedAt: noon, startedAt: noon });
        let seconds = 0;
        let last = row.weightPercent;
        for (const judgements of words) {
          seconds += 10;
          const now = new Date(noon.getTime() + seconds * 1000);
          const requests = (perSecond * (now.getTime() - row.stepStartedAt.getTime())) / 1000;
          const decision = decideStep(
            { ...row, approvedStage: row.step },
            seen({ instances: warm, stage: { judgements, requests, replay: { kind: 'done' } } }),
            now,
          );
          if (decision.kind === 'wait') {
            // A shadow stage has the default longest time of a day; every other one ends within minutes.
            expect(seconds).toBeLessThan(3 * 86_400);
            if (seconds > 2_000) seconds += 5_000;
            continue;
          }
          if (decision.kind !== 'enter') return;
          expect(decision.place.step).toBe(row.phase === 'warming' ? 0 : row.step + 1);
          expect(decision.place.weightPercent).toBe(weightOf(plan, decision.place.step));
          expect(decision.place.weightPercent).toBeGreaterThanOrEqual(last);
          last = decision.place.weightPercent;
          row = { ...row, ...decision.place, stepStartedAt: now };
        }
      }),
      { numRuns: 300 },
    );
  });

  it('brings a rolling update to its end batch by batch, one replica of the old revision left until then', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (replicas, batchReplicas) => {
        const plan = RolloutPlan.parse({ strategy: 'rolling', batchReplicas });
        let row = rollout('r2', { strategy: 'rolling', plan, fromRevisionId: 'r1' });
        for (let batch = 1; batch <= Math.ceil(replicas / batchReplicas); batch += 1) {
          const count = Math.min(replicas, batch * batchReplicas);
          const instances = Array.from({ length: count }, (_, k) => ready(`i${k}`));
          const decision = decideStep(row, seen({ replicas, stableReplicas: replicas, instances, stage: { judgements: [], requests: 0 } }), noon);
          if (count === replicas) {
            expect(decision.kind).toBe('complete');
            return;
          }
          expect(decision).toMatchObject({ kind: 'enter', place: { weightPercent: (100 * count) / replicas } });
          if (decision.kind === 'enter') row = { ...row, ...decision.place };
        }
        expect.unreachable('it has ended');
      }),
    );
  });
});

function weightOf(plan: RolloutPlan, step: number): number {
  const at = plan.stages[step];
  return at?.kind === 'step' ? at.weightPercent : 0;
}
