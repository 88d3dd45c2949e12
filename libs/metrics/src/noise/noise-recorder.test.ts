import { expect, it } from 'vitest';
import { NoiseRecorder, noiseWindowsMax } from './noise-recorder.js';

const owner = { projectId: 'prj', deploymentId: 'dep', deployment: 'fraud', probe: 'repeat' as const, otherVersion: 0 };

it('keeps so many windows while the database is away, and then lets the oldest go', () => {
  const recorder = new NoiseRecorder(() => 0);
  for (let version = 0; version <= noiseWindowsMax; version += 1) recorder.count({ ...owner, version }, { n: 1 });
  expect(recorder.dropped).toBe(1);
  const dirty = recorder.takeDirty();
  expect(dirty).toHaveLength(noiseWindowsMax);
  expect(dirty[0]?.owner.version).toBe(1);
});

it('files a measurement under the hour in which it was made', () => {
  let now = 3_599_999;
  const recorder = new NoiseRecorder(() => now);
  recorder.count({ ...owner, version: 1 }, { n: 1 });
  now = 3_600_000;
  recorder.count({ ...owner, version: 1 }, { n: 1 }, { atMs: now, agreedInRow: 1 });
  recorder.count({ ...owner, version: 1 }, { n: 1 });
  expect(recorder.takeDirty().map(({ startAtMs, totals, detail }) => [startAtMs, totals.n, detail?.agreedInRow])).toEqual([
    [0, 1, undefined],
    [3_600_000, 2, 1],
  ]);
  recorder.acknowledge(recorder.takeDirty());
  expect(recorder.takeDirty()).toEqual([]);
  // The hour that is over is forgotten once it is written; the running one stays.
  expect([...recorder.current()]).toHaveLength(1);
});
