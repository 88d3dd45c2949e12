import { expect, it } from 'vitest';
import { runsOn } from './runs-on';

const nothing = { provider: null, providerNote: null, threads: null, threadsNote: null, memoryLimitBytes: null, memoryLimitBy: null };
const usual = { ...nothing, provider: 'cpu', threads: 1, memoryLimitBytes: 1024 ** 3, memoryLimitBy: 'system' as const };

it('says nothing before there is anything to say', () => {
  expect(runsOn(nothing)).toEqual({ provider: undefined, isFallback: false, limits: undefined, limitedBy: undefined, notes: [] });
});

it('says what runs the model, on how many threads, within which memory', () => {
  expect(runsOn(usual)).toEqual({
    provider: 'cpu',
    isFallback: false,
    limits: '1 thread, at most 1 GiB',
    limitedBy: expect.stringContaining('operating system'),
    notes: [],
  });
});

it('says beside the provider which one was wished', () => {
  const found = runsOn({ ...usual, providerNote: 'wished cuda: not available here' });
  expect(found).toMatchObject({ provider: 'cpu (wished cuda: not available here)', isFallback: true, notes: [] });
});

it('puts long reasons below, and why there are fewer threads than wished', () => {
  const providerNote = `wished cuda: it could not load this model (${'because '.repeat(20)})`;
  const threadsNote = "1 of 4 wished: the host's budget of 2 is spent";
  const found = runsOn({ ...usual, providerNote, threadsNote });
  expect(found).toMatchObject({ provider: 'cpu', isFallback: true, notes: [providerNote, `threads: ${threadsNote}`] });
});
