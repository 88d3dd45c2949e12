import { expect, it } from 'vitest';
import type { ProcessUsage } from './process-usage.js';
import { usageDelta } from './usage-delta.js';

const usage = (over: Partial<ProcessUsage> = {}): ProcessUsage => ({
  cpuSeconds: 10,
  rssBytes: 1,
  readBytes: 100,
  writtenBytes: 0,
  readOperations: 1,
  writeOperations: 1,
  threads: 1,
  openFiles: 1,
  ageSeconds: 60,
  startedAt: 'a',
  reduced: false,
  ...over,
});
const now = 1_000_000;

it('is the difference of two samples of one process', () => {
  const delta = usageDelta({ atMs: now - 2_000, usage: usage() }, { atMs: now, usage: usage({ cpuSeconds: 11, readBytes: 150 }) }, 0);
  expect(delta).toMatchObject({ seconds: 2, cpuSeconds: 1, readBytes: 50, writtenBytes: 0 });
});

it('counts a process that was restarted in place from its start, never negatively', () => {
  const restarted = usage({ startedAt: 'b', cpuSeconds: 0.5, readBytes: 20, ageSeconds: 1 });
  expect(usageDelta({ atMs: now - 2_000, usage: usage() }, { atMs: now, usage: restarted }, 0)).toMatchObject({
    seconds: 1,
    cpuSeconds: 0.5,
    readBytes: 20,
  });
});

it('counts a process from its start when it started under watch, so that loading is seen', () => {
  expect(usageDelta(undefined, { atMs: now, usage: usage({ ageSeconds: 2 }) }, now - 10_000)).toMatchObject({ seconds: 2, cpuSeconds: 10 });
});

it('counts an adopted process from now on', () => {
  expect(usageDelta(undefined, { atMs: now, usage: usage({ ageSeconds: 60 }) }, now - 10_000)).toMatchObject({
    seconds: 0,
    cpuSeconds: 0,
    readBytes: 0,
  });
});

it('says nothing where the system tells nothing', () => {
  expect(usageDelta({ atMs: now - 1, usage: usage() }, { atMs: now, usage: usage({ readBytes: null }) }, 0).readBytes).toBeNull();
});
