import { describe, expect, it } from 'vitest';
import { decideRetry, retryDefaults } from './decide-retry.js';
import { SlipwayApiError } from './slipway-api-error.js';

const refused = (code: 'QUEUE_FULL' | 'DEPLOYMENT_NOT_READY' | 'INSTANCE_GONE', status: number, retryAfterSeconds?: number) =>
  new SlipwayApiError(code, 'later', { status, retryAfterSeconds });
const network = (code: string) =>
  new SlipwayApiError('NETWORK', 'no answer', { cause: new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }) });
const facts = { attempt: 1, leftMs: 60_000, random: 0 };

describe('decideRetry', () => {
  it.each([
    { name: 'a full queue that says when to come back', error: refused('QUEUE_FULL', 429, 2), waitMs: 2000 },
    { name: 'a deployment that is loading', error: refused('DEPLOYMENT_NOT_READY', 503, 1), waitMs: 1000 },
    { name: 'a refused connection', error: network('ECONNREFUSED'), waitMs: 100 },
  ])('tries again after $name', ({ error, waitMs }) => {
    expect(decideRetry(retryDefaults, { ...facts, error })).toBe(waitMs);
  });

  it.each([
    { name: 'an instance that died with the request', error: refused('INSTANCE_GONE', 503, 1) },
    { name: 'a refusal that asks for nothing', error: refused('QUEUE_FULL', 429) },
    { name: 'a connection that broke, for the request may have been served', error: network('ECONNRESET') },
    { name: 'a timeout', error: new SlipwayApiError('TIMEOUT', '') },
    { name: 'a mistake of the request', error: new SlipwayApiError('INFER_INVALID', '', { status: 400, retryAfterSeconds: 1 }) },
    { name: 'a longer wait than allowed', error: refused('QUEUE_FULL', 429, 11) },
  ])('gives up after $name', ({ error }) => {
    expect(decideRetry(retryDefaults, { ...facts, error })).toBeUndefined();
  });

  it('never waits beyond the end of the call, nor tries more often than allowed', () => {
    const error = refused('QUEUE_FULL', 429, 2);
    expect(decideRetry(retryDefaults, { ...facts, error, leftMs: 2000 })).toBeUndefined();
    expect(decideRetry(retryDefaults, { ...facts, error, attempt: 3 })).toBeUndefined();
    expect(decideRetry({ ...retryDefaults, attempts: 1 }, { ...facts, error })).toBeUndefined();
  });

  it('spreads callers, and waits longer each time', () => {
    const error = refused('QUEUE_FULL', 429, 1);
    const wait = (attempt: number, random: number) => decideRetry({ ...retryDefaults, attempts: 9 }, { ...facts, error, attempt, random });
    expect([wait(1, 0), wait(1, 0.5), wait(2, 0.5), wait(3, 0.5)]).toEqual([1000, 1100, 1200, 1400]);
    expect(wait(8, 1)).toBeLessThanOrEqual(1000 + retryDefaults.maxDelayMs);
  });
});
