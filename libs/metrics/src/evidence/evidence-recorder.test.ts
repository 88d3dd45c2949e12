import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareAnswers, otherClass } from './compare-answers.js';
import { EvidenceRecorder, recordedStagesMax } from './evidence-recorder.js';
import { countOfClass, mergeStageEvidence, noEvidence } from './merge-evidence.js';
import type { ObservedRequest } from './observed-side.js';

const subject = { subjectId: 'rol_1', stage: 0 };
const request = (given: Partial<ObservedRequest> = {}): ObservedRequest => ({
  outcome: 'success',
  durationSeconds: 0.003,
  computeSeconds: 0.001,
  rows: 1,
  observed: undefined,
  task: 'binary',
  ...given,
});

const requests = fc.array(
  fc.record({
    outcome: fc.constantFrom('success' as const, 'nan_output' as const, 'runtime_error' as const),
    durationSeconds: fc.constantFrom(0.001, 0.2, 40),
    computeSeconds: fc.option(fc.constantFrom(0.001, 0.2), { nil: undefined }),
    rows: fc.integer({ min: 0, max: 3 }),
    observed: fc.option(
      fc.record({
        p: fc.array(fc.constantFrom('a', 'b', null), { minLength: 1, maxLength: 3 }),
        s: fc.array(fc.constantFrom(0, 0.5, 1), { minLength: 3 }),
      }),
      { nil: undefined },
    ),
    task: fc.constant('binary' as const),
  }),
  { maxLength: 12 },
);

function recorded(all: readonly ObservedRequest[]) {
  const recorder = new EvidenceRecorder();
  for (const each of all) recorder.count(subject, 'candidate', each);
  return recorder.of(subject) ?? noEvidence(0);
}

describe('EvidenceRecorder', () => {
  it('counts what answers were, and how long they took', () => {
    const recorder = new EvidenceRecorder();
    recorder.count(subject, 'candidate', request({ observed: { p: ['yes', 'no'], s: [0.99, 1] }, rows: 2 }));
    recorder.count(subject, 'candidate', request({ outcome: 'nan_output', computeSeconds: undefined }));
    recorder.crashed(subject, 'candidate');
    const { candidate, stable } = recorder.of(subject) ?? noEvidence(0);
    expect(candidate).toMatchObject({
      requests: 2,
      rows: 3,
      outcomes: { success: 1, nan_output: 1 },
      invalidOutputs: 1,
      classes: { yes: 1, no: 1 },
      varies: true,
      crashes: 1,
    });
    expect(candidate.scores[49]).toBe(2);
    expect([candidate.duration[3], candidate.compute[1]]).toEqual([2, 1]);
    expect(stable.requests).toBe(0);
  });

  it('tells a constant from a model that varies', () => {
    const same = request({ observed: { p: [1.5] }, task: 'regression' });
    expect(recorded([same, same]).candidate).toMatchObject({ varies: false, values: { n: 2, sum: 3, min: 1.5, max: 1.5 } });
    expect(recorded([same, request({ observed: { p: [1.6] }, task: 'regression' })]).candidate.varies).toBe(true);
  });

  it('keeps at most 64 classes apart, the rest counts as other', () => {
    const all = Array.from({ length: 70 }, (_, index) => request({ observed: { p: [`class-${index}`] } }));
    const { classes } = recorded(all).candidate;
    expect(Object.keys(classes)).toHaveLength(65);
    expect(classes[otherClass]).toBe(6);
  });

  it('gives the oldest stage up at the bound, and counts it', () => {
    const recorder = new EvidenceRecorder();
    for (let at = 0; at <= recordedStagesMax; at += 1) recorder.count({ subjectId: `rol_${at}`, stage: 0 }, 'stable', request());
    expect([recorder.of({ subjectId: 'rol_0', stage: 0 }), recorder.dropped]).toEqual([undefined, 1]);
    expect(recorder.takeDirty()).toHaveLength(recordedStagesMax);
  });

  it('writes what changed, again after a change during the write, and forgets what is over and written', () => {
    const recorder = new EvidenceRecorder();
    recorder.count(subject, 'stable', request());
    const first = recorder.takeDirty();
    recorder.count(subject, 'stable', request());
    recorder.acknowledge(first);
    recorder.retain(new Set());
    expect(recorder.takeDirty()[0]?.evidence.stable.requests).toBe(2);
    recorder.acknowledge(recorder.takeDirty());
    expect(recorder.takeDirty()).toEqual([]);
    recorder.retain(new Set(['rol_1']));
    expect(recorder.of(subject)).toBeDefined();
    recorder.retain(new Set());
    expect(recorder.of(subject)).toBeUndefined();
  });

  it('does not take a write of what was forgotten for one of what came after', () => {
    const recorder = new EvidenceRecorder();
    for (let k = 0; k < 5; k += 1) recorder.count(subject, 'stable', request());
    const before = recorder.takeDirty();
    recorder.acknowledge(before);
    recorder.retain(new Set());
    recorder.count(subject, 'stable', request());
    recorder.acknowledge(before);
    const [after] = recorder.takeDirty();
    expect(after?.evidence.stable.requests).toBe(1);
    expect(after?.part).not.toBe(before[0]?.part);
  });
});

describe('mergeStageEvidence', () => {
  it('of two sources is what one would have seen', () => {
    fc.assert(
      fc.property(requests, requests, (a, b) => {
        expect(mergeStageEvidence(recorded(a), recorded(b)).candidate).toEqual({ ...recorded([...a, ...b]).candidate, varies: expect.any(Boolean) });
      }),
    );
  });

  it('takes any name for a class, also one that plain objects have', () => {
    const [a, b] = [['constructor', '__proto__'], ['yes']].map((p) => recorded([request({ observed: { p } })]));
    if (a === undefined || b === undefined) throw new Error('nothing to merge');
    expect(Object.entries(mergeStageEvidence(a, b).candidate.classes)).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
      ['yes', 1],
    ]);
    const { classes } = b.candidate;
    expect(['constructor', '__proto__', 'yes'].map((name) => countOfClass(classes, name))).toEqual([0, 0, 1]);
  });

  it('sees two constants that differ', () => {
    const [a, b] = [1, 2].map((value) => recorded([request({ observed: { p: [value] }, task: 'regression' })]));
    if (a === undefined || b === undefined) throw new Error('nothing to merge');
    expect(a.candidate.varies).toBe(false);
    expect(mergeStageEvidence(a, b).candidate.varies).toBe(true);
  });

  it('adds pairs', () => {
    const recorder = new EvidenceRecorder();
    recorder.pair(subject, compareAnswers({ p: ['a'] }, { p: ['b'] }, { task: 'binary', topK: 5 }));
    const one = recorder.of(subject) ?? noEvidence(0);
    expect(mergeStageEvidence(one, one).pairs).toMatchObject({ requests: 2, rows: 2, flips: 2, byClass: { a: { rows: 2, flips: 2 } } });
  });
});
