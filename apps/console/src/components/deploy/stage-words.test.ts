import { defaultPlans, RolloutPlan, type RolloutView } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { duration, stageLabel, stageNote, trackOf } from './stage-words';

const canary = RolloutPlan.parse(defaultPlans.canary);

function view(given: Partial<RolloutView>): RolloutView {
  return {
    id: 'rol_1',
    deployment: 'fraud',
    fromRevision: 1,
    fromVersion: 1,
    toRevision: 2,
    toVersion: 2,
    strategy: 'canary',
    status: 'PROGRESSING',
    phase: 'step',
    step: 1,
    stageStartedAt: '2026-01-01T00:00:00.000Z',
    weightPercent: 10,
    shadowPercent: 0,
    plan: canary,
    planName: null,
    waitingFor: null,
    actions: [],
    judgements: [],
    judgedAt: null,
    counts: null,
    cause: null,
    causeDetail: null,
    reason: null,
    createdBy: 'key:test',
    startedAt: '2026-01-01T00:00:00.000Z',
    scheduledFor: null,
    finishedAt: null,
    undoUntil: null,
    ...given,
  };
}

const states = (given: Partial<RolloutView>) => trackOf(view(given)).map((stage) => stage.state);

describe('trackOf', () => {
  it.each<[string, Partial<RolloutView>, string[]]>([
    ['prepares', { phase: 'warming', step: 0 }, ['now', 'todo', 'todo', 'todo', 'todo']],
    ['walks', {}, ['done', 'done', 'now', 'todo', 'todo']],
    ['is held', { status: 'HELD' }, ['done', 'done', 'waiting', 'todo', 'todo']],
    ['was taken back', { status: 'ABORTED', phase: 'rolling_back' }, ['done', 'done', 'failed', 'todo', 'todo']],
    ['is through', { status: 'COMPLETED', phase: 'promoting', step: 3 }, ['done', 'done', 'done', 'done', 'done']],
  ])('%s', (_name, given, expected) => {
    expect(states(given)).toEqual(expected);
  });

  it('has nothing between preparing and the end when all goes at once', () => {
    expect(trackOf(view({ plan: RolloutPlan.parse({}), step: 0, phase: 'warming' })).map((stage) => stage.label)).toEqual(['Prepare', '100 %']);
  });
});

it('says what a stage asks for', () => {
  const plan = RolloutPlan.parse({
    strategy: 'canary',
    stages: [
      { kind: 'replay', requests: 500 },
      { kind: 'shadow', samplePercent: 20, minRequests: 300 },
      { kind: 'step', weightPercent: 5, minDurationSeconds: 600, approval: true },
      { kind: 'step', weightPercent: 50 },
    ],
  });
  expect(plan.stages.map(stageLabel)).toEqual(['Replay', 'Shadow 20 %', '5 % live', '50 % live']);
  expect(plan.stages.map(stageNote)).toEqual(['500 recorded requests', '≥ 300 answers', '≥ 10 min, approval', 'guards pass']);
  expect([90, 600, 7_200].map(duration)).toEqual(['90 s', '10 min', '2 h']);
});
