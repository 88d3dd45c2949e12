import { describe, expect, it } from 'vitest';
import { isRefusal, readFacts } from './request-facts.js';

describe('readFacts', () => {
  it.each([
    { name: 'the routing key', headers: { 'slipway-routing-key': 'patient 7', 'x-request-id': 'r-1' }, key: 'patient 7' },
    { name: 'else the request id', headers: { 'x-request-id': 'r-1' }, key: 'r-1' },
    { name: 'else the prediction id', headers: {}, key: 'prd_1' },
    { name: 'not a request id that is no plain text', headers: { 'x-request-id': 'a b' }, key: 'prd_1' },
  ])('routes by $name', ({ headers, key }) => {
    expect(readFacts(headers, 'prd_1', false)).toMatchObject({ routingKey: key });
  });

  it('passes on what the instance needs', () => {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-encoding': 'gzip',
      'accept-encoding': 'gzip, deflate',
      'inference-header-content-length': '0',
      'slipway-deadline-ms': '250',
      'slipway-priority': '2',
      traceparent: '00-1-2-01',
    };
    expect(readFacts(headers, 'prd_1', false)).toMatchObject({
      contentType: 'application/octet-stream',
      contentEncoding: 'gzip',
      acceptEncoding: 'gzip, deflate',
      inferenceHeaderContentLength: 0,
      statedDeadlineMs: 250,
      priority: 2,
      traceparent: '00-1-2-01',
    });
  });

  it.each([
    { 'slipway-deadline-ms': '' },
    { 'slipway-deadline-ms': '0' },
    { 'slipway-deadline-ms': '600001' },
    { 'slipway-deadline-ms': '1e3' },
    { 'slipway-priority': '256' },
    { 'inference-header-content-length': '1.5' },
    { 'inference-header-content-length': '99999999999999999999' },
  ])('refuses %j', (headers) => {
    expect(isRefusal(readFacts(headers, 'prd_1', false))).toBe(true);
  });
});
