import { expect, it } from 'vitest';
import { ruleSentence } from './rule-sentence';

it('says a rule in one sentence', () => {
  const params = { deployment: 'fraud', threshold: 0.05, windowSeconds: 60, minRequests: 10, subject: null };
  expect(ruleSentence({ kind: 'error_ratio', params, for: 60, receivers: ['ops', 'hook'] })).toBe(
    'When the error share of fraud is above 5 % for 1 min, then notify ops, hook.',
  );
  expect(ruleSentence({ kind: 'latency_p95', params: { ...params, threshold: 0.25 }, for: 0, receivers: [] })).toBe(
    'When the p95 latency of fraud is above 250 ms at any evaluation, then show it here.',
  );
  expect(ruleSentence({ kind: 'drift', params: { ...params, threshold: null, subject: 'age' }, for: 0, receivers: ['ops'] })).toBe(
    'When the drift (age) of fraud is judged an alarm at any evaluation, then notify ops.',
  );
});
