import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EvidenceRecorder } from './evidence-recorder.js';
import { RolloutEvidenceStore } from './rollout-evidence.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const answer = { outcome: 'success', durationSeconds: 0.001, computeSeconds: 0.001, rows: 1, observed: undefined, task: undefined } as const;

it('reads the sum over gateways, stage by stage; writing the same totals twice changes nothing', async () => {
  for (const source of ['gateway-1', 'gateway-2']) {
    const store = new RolloutEvidenceStore(database.pool, source);
    const recorder = new EvidenceRecorder();
    recorder.count({ subjectId: 'rol_1', stage: 0 }, 'stable', answer);
    await store.write(recorder.takeDirty());
    recorder.count({ subjectId: 'rol_1', stage: 0 }, 'stable', answer);
    recorder.count({ subjectId: 'rol_1', stage: 2 }, 'candidate', { ...answer, outcome: 'runtime_error' });
    recorder.count({ subjectId: 'rol_2', stage: 0 }, 'stable', answer);
    for (const dirty of [recorder.takeDirty(), recorder.takeDirty()]) await store.write(dirty);
  }
  const stages = await new RolloutEvidenceStore(database.pool, 'reader').read('rol_1');
  expect(stages.map(({ stage, stable, candidate }) => [stage, stable.requests, candidate.outcomes])).toEqual([
    [0, 4, {}],
    [2, 0, { runtime_error: 2 }],
  ]);
});

it('adds what comes after a gateway has forgotten a stage, rather than to put it in place of all before', async () => {
  const subject = { subjectId: 'rol_late', stage: 0 };
  const store = new RolloutEvidenceStore(database.pool, 'gateway-1');
  const recorder = new EvidenceRecorder();
  const flush = async () => {
    const dirty = recorder.takeDirty();
    await store.write(dirty);
    recorder.acknowledge(dirty);
  };
  for (let k = 0; k < 5; k += 1) recorder.count(subject, 'candidate', answer);
  await flush();
  recorder.retain(new Set());
  recorder.count(subject, 'candidate', answer);
  await flush();
  expect((await store.read('rol_late')).map(({ candidate }) => candidate.requests)).toEqual([6]);
});
