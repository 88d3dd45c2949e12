import type { JudgementView } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { judgeFollowed } from './judge-followed.js';

const now = 1_800_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();
const judged = (over: Partial<JudgementView> = {}): JudgementView => ({
  kind: 'drift',
  subject: 'age',
  version: 1,
  slice: null,
  from: iso(now - 3_600_000),
  to: iso(now),
  judgedAt: iso(now - 1_000),
  value: 0.3,
  interval: null,
  n: 500,
  threshold: 0.1,
  verdict: 'alarm',
  reason: 'age has drifted.',
  evidence: {},
  ...over,
});

describe('a rule that follows judgements', () => {
  it.each([
    { name: 'has nothing to say where nothing was judged', current: [], verdict: 'insufficient', reason: 'Nothing was judged lately.' },
    {
      name: 'alarms with one, and names it',
      current: [judged({ subject: 'sex', verdict: 'ok', reason: 'fine' }), judged()],
      verdict: 'alarm',
      reason: 'age has drifted.',
    },
    {
      name: 'tells the worst first and the others by name',
      current: [judged(), judged({ subject: 'income', value: 2, reason: 'income has drifted.' }), judged({ subject: 'sex' })],
      verdict: 'alarm',
      reason: 'income has drifted. Also: age, sex.',
    },
    {
      name: 'takes for the worst what lies furthest below its limit where lower is worse',
      current: [
        judged({ kind: 'quality', subject: 'accuracy', value: 0.88, threshold: 0.9, reason: 'accuracy fell.' }),
        judged({ kind: 'quality', subject: 'recall', value: 0.2, threshold: 0.8, reason: 'recall fell.' }),
        judged({ kind: 'quality', subject: 'mae', value: 1.5, threshold: 1, reason: 'mae rose.' }),
      ],
      verdict: 'alarm',
      reason: 'recall fell. Also: mae, accuracy.',
    },
    {
      name: 'does not take for the worst what is back within its limit and not yet quiet',
      current: [judged({ value: 0.01, reason: 'age is not yet quiet.' }), judged({ subject: 'sex', value: 0.12, reason: 'sex has drifted.' })],
      verdict: 'alarm',
      reason: 'sex has drifted. Also: age.',
    },
    {
      name: 'tells the whole before its parts',
      current: [judged({ value: 9 }), judged({ subject: '', value: 0.4, reason: '2 of 3 have drifted.' })],
      verdict: 'alarm',
      reason: '2 of 3 have drifted. Also: age.',
    },
    {
      name: 'does not list more than people read',
      current: ['a', 'b', 'c', 'd', 'e', 'f'].map((subject) => judged({ subject, reason: `${subject}.` })),
      verdict: 'alarm',
      reason: 'a. Also: b, c, d and 2 more.',
    },
    { name: 'does not believe what is old', current: [judged({ judgedAt: iso(now - 8_000_000) })], verdict: 'insufficient' },
    {
      name: 'is fine when one thing is and nothing is not',
      current: [judged({ verdict: 'insufficient' }), judged({ subject: 'sex', verdict: 'ok', reason: 'fine' })],
      verdict: 'ok',
      reason: 'fine',
    },
    {
      name: 'is unsure when all are',
      current: [judged({ verdict: 'insufficient', reason: '83 of 200 rows.' })],
      verdict: 'insufficient',
      reason: '83 of 200 rows.',
    },
  ])('$name', ({ current, verdict, reason }) => {
    const seen = judgeFollowed(current, 'ticket', now);
    expect(seen.verdict).toBe(verdict);
    if (reason !== undefined) expect(seen.reason).toBe(reason);
  });

  it('wakes nobody with an estimate that is not to be trusted', () => {
    const doubtful = [judged({ kind: 'estimated_quality', evidence: { grade: 'C' } })];
    expect(judgeFollowed(doubtful, 'page', now).verdict).toBe('insufficient');
    expect(judgeFollowed(doubtful, 'ticket', now).verdict).toBe('alarm');
  });
});
