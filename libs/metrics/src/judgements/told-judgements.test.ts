import { expect, it } from 'vitest';
import type { JudgedWindow } from './judgement.store.js';
import { ToldJudgements } from './told-judgements.js';

const minute = 60_000;
const one = (subject: string, verdict: JudgedWindow['verdict']): JudgedWindow => ({
  ...{ kind: 'noise', subject, version: 1, slice: '', fromMs: 0, toMs: 1, evidence: {} },
  ...{ value: 0, interval: null, n: 1, threshold: null, verdict, reason: '' },
});

it('says what has changed at once, and what stays the same once an hour', () => {
  const told = new ToldJudgements();
  const dep = { deploymentId: 'dep_1' };
  const say = (atMs: number, ...judged: JudgedWindow[]) => told.news(dep, judged, atMs).map(({ subject, verdict }) => `${subject} ${verdict}`);
  expect(say(0, one('repeat', 'ok'), one('replica', 'ok'))).toEqual(['repeat ok', 'replica ok']);
  expect(say(minute, one('repeat', 'ok'), one('replica', 'alarm'))).toEqual(['replica alarm']);
  expect(say(59 * minute, one('repeat', 'ok'), one('replica', 'alarm'))).toEqual([]);
  expect(say(60 * minute, one('repeat', 'ok'), one('replica', 'alarm'))).toEqual(['repeat ok']);
  expect(say(61 * minute, one('replica', 'alarm'))).toEqual(['replica alarm']);
  // What was gone is news when it is back; and everything is when what was said was lost.
  expect(say(62 * minute, one('repeat', 'ok'), one('replica', 'alarm'))).toEqual(['repeat ok']);
  expect(told.news({ deploymentId: 'dep_2' }, [one('repeat', 'ok')], 62 * minute)).toHaveLength(1);
  told.forget(dep);
  expect(say(63 * minute, one('repeat', 'ok'), one('replica', 'alarm'))).toEqual(['repeat ok', 'replica alarm']);
});
