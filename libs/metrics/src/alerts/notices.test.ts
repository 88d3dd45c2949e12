import { describe, expect, it } from 'vitest';
import { type AlertSubject, alertAnnotations, alertLabels } from './alert-labels.js';
import { alertMail, oneLine } from './alert-mail.js';
import { fingerprint } from './fingerprint.js';
import { parseRetryAfter, retryDelayMs, retryDelaysMs } from './retry-schedule.js';
import { asResolved, type NoticeAlert, webhookPayload, zeroTime } from './webhook-payload.js';

describe('fingerprint', () => {
  // monitoring page 10.2, computed by a real Alertmanager.
  it.each([
    { feature: 'age', is: 'cefb21b3d45bd638' },
    { feature: 'income', is: 'bd6acca70ada30e2' },
  ])('of the feature $feature is $is', ({ feature, is }) => {
    expect(fingerprint({ severity: 'ticket', model: 'credit', feature, alertname: 'ModelDrift' })).toBe(is);
  });

  it('has 16 digits also when it begins with zeros, and depends on every label', () => {
    const many = Array.from({ length: 2_000 }, (_, at) => fingerprint({ a: String(at) }));
    expect(new Set(many).size).toBe(many.length);
    expect(many.every((one) => /^[0-9a-f]{16}$/.test(one))).toBe(true);
    expect(fingerprint({ a: 'bc' })).not.toBe(fingerprint({ ab: 'c' }));
  });
});

const subject: AlertSubject = {
  rule: 'too-slow',
  kind: 'latency_p95',
  severity: 'page',
  projectId: 'prj_default',
  deployment: 'credit',
  labels: { team: 'risk', alertname: 'stolen' },
};
const judgement = { value: 0.25, interval: null, n: 100, threshold: 0.1, verdict: 'alarm', reason: '95 % were slow.' } as const;
const alert: NoticeAlert = {
  labels: alertLabels(subject),
  annotations: alertAnnotations(subject, judgement),
  startsAt: new Date('2026-01-02T03:04:05Z'),
  resolvedAt: null,
  fingerprint: fingerprint(alertLabels(subject)),
  url: 'https://slipway.example.com/alerts/alr_1',
};

describe('webhook payload, version 4', () => {
  const payload = webhookPayload('hook', 'https://slipway.example.com', alert);

  it('has the fields of Alertmanager in its order, with the zero time while it fires', () => {
    expect(JSON.stringify(payload)).toBe(
      JSON.stringify({
        receiver: 'hook',
        status: 'firing',
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'too-slow', deployment: 'credit', kind: 'latency_p95', project: 'prj_default', severity: 'page', team: 'risk' },
            annotations: { description: '95 % were slow.', summary: 'credit: 95 % latency is above its limit', threshold: '0.1', value: '0.25' },
            startsAt: '2026-01-02T03:04:05Z',
            endsAt: '0001-01-01T00:00:00Z',
            generatorURL: 'https://slipway.example.com/alerts/alr_1',
            fingerprint: alert.fingerprint,
          },
        ],
        groupLabels: { alertname: 'too-slow', deployment: 'credit' },
        commonLabels: { alertname: 'too-slow', deployment: 'credit', kind: 'latency_p95', project: 'prj_default', severity: 'page', team: 'risk' },
        commonAnnotations: { description: '95 % were slow.', summary: 'credit: 95 % latency is above its limit', threshold: '0.1', value: '0.25' },
        externalURL: 'https://slipway.example.com',
        version: '4',
        groupKey: '{}:{alertname="too-slow", deployment="credit"}',
        truncatedAlerts: 0,
      }),
    );
  });

  it('says resolved with its time, also when it was resolved before a notice went out', () => {
    const resolvedAt = new Date('2026-01-02T04:00:00.5Z');
    const resolved = webhookPayload('hook', 'x', { ...alert, resolvedAt });
    expect(resolved).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved', endsAt: '2026-01-02T04:00:00.500Z' }] });
    expect(asResolved(payload, resolvedAt)).toMatchObject({
      status: 'resolved',
      alerts: [{ status: 'resolved', endsAt: '2026-01-02T04:00:00.500Z' }],
    });
    expect(payload.alerts[0]?.endsAt).toBe(zeroTime);
  });

  it('stays valid JSON with any label', () => {
    const hostile = webhookPayload('hook', 'x', { ...alert, labels: { ...alert.labels, team: '"}\n\u2028{{constructor}}' } });
    expect(JSON.parse(JSON.stringify(hostile)).alerts[0].labels.team).toBe('"}\n\u2028{{constructor}}');
  });
});

describe('mail', () => {
  it('says what, since when and how bad, in text and HTML', () => {
    const mail = alertMail(webhookPayload('mail', 'x', alert));
    expect(mail.subject).toBe('[PAGE] credit: 95 % latency is above its limit');
    for (const part of [mail.text, mail.html]) {
      for (const said of ['credit', 'too-slow', '2026-01-02T03:04:05Z', '95 % were slow.', 'risk', alert.url]) expect(part).toContain(said);
    }
    expect(alertMail(webhookPayload('mail', 'x', { ...alert, resolvedAt: new Date() })).subject).toMatch(/^\[RESOLVED\] /);
  });

  it('takes people’s words for text', () => {
    const labels = { ...alert.labels, team: 'a\r\nBcc: all@example.com', deployment: '<script>alert(1)</script>' };
    const annotations = {
      ...alert.annotations,
      summary: 'x\r\nBcc: all@example.com\u2028\u202Eevil',
      description: '"><img src=x onerror=alert(1)>#{7*7}{{7*7}}',
    };
    const mail = alertMail(webhookPayload('mail', 'x', { ...alert, labels, annotations, url: 'javascript:alert(1)' }));
    expect(mail.subject).not.toMatch(/[\r\n\u2028\u202E]/);
    expect(mail.html).not.toMatch(/<script|<img|href="javascript/);
    expect(mail.html).toContain('&#60;script&#62;');
    expect(mail.html).toContain('#{7*7}{{7*7}}');
    expect(mail.text.split('\n').some((line) => line.startsWith('Bcc:'))).toBe(false);
  });

  it('bounds the subject', () => {
    const mail = alertMail(webhookPayload('mail', 'x', { ...alert, annotations: { summary: '😀'.repeat(500) } }));
    expect([...mail.subject].length).toBe(200);
  });

  it('keeps a name on its line', () => {
    expect(oneLine(' a\u0000\t\n b\u200F c ')).toBe('a  b  c');
  });
});

describe('retries', () => {
  it('come quickly at first, then for two days, then end', () => {
    const seconds = Array.from({ length: 10 }, (_, at) => retryDelayMs(at + 1, 0)).map((ms) => (ms === undefined ? undefined : ms / 1000));
    expect(seconds).toEqual([5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200, 86_400, undefined]);
    expect(retryDelaysMs).toHaveLength(9);
  });

  it('are spread by up to a tenth', () => {
    expect(retryDelayMs(1, 0.999)).toBeGreaterThan(5_400);
    expect(retryDelayMs(1, 0.999)).toBeLessThanOrEqual(5_500);
  });

  it('wait as long as the receiver asks, at most a day', () => {
    expect(retryDelayMs(1, 0, 60_000)).toBe(60_000);
    expect(retryDelayMs(3, 0, 60_000)).toBe(120_000);
    expect(retryDelayMs(1, 0, 1e12)).toBe(86_400_000);
    expect(retryDelayMs(10, 0, 60_000)).toBeUndefined();
  });

  const now = Date.parse('2026-01-02T03:04:05Z');
  it.each([
    { header: undefined, is: 0 },
    { header: '120', is: 120_000 },
    { header: 'Fri, 02 Jan 2026 03:05:05 GMT', is: 60_000 },
    { header: 'Fri, 02 Jan 2026 03:00:00 GMT', is: 0 },
    { header: 'soon', is: 0 },
    { header: '-5', is: 0 },
  ])('reads Retry-After $header', ({ header, is }) => {
    expect(parseRetryAfter(header, now)).toBe(is);
  });
});
