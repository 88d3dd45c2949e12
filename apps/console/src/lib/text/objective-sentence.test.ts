import { expect, it } from 'vitest';
import { objectiveSentence } from './objective-sentence';

const none = { thresholdMs: null, metric: null, threshold: null } as const;

it.each([
  [{ ...none, kind: 'availability', target: 0.999, periodDays: 30 }, '99.9 % of the requests are answered, over 30 days'],
  [{ ...none, kind: 'latency', target: 0.99, periodDays: 7, thresholdMs: 250 }, '99 % of the requests are answered within 250 ms, over 7 days'],
  [
    { ...none, kind: 'quality', target: 0.95, periodDays: 30, metric: 'f1', threshold: 0.9 },
    'f1 is at least 0.9 in 95 % of the hours with labels, over 30 days',
  ],
  [
    { ...none, kind: 'quality', target: 0.95, periodDays: 30, metric: 'mae', threshold: 2 },
    'mae is at most 2 in 95 % of the hours with labels, over 30 days',
  ],
] as const)('says what is promised: %j', (objective, sentence) => {
  expect(objectiveSentence(objective)).toBe(sentence);
});
