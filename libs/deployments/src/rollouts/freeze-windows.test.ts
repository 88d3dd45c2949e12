import { describe, expect, it } from 'vitest';
import { type FreezeWindow, nextSpan, openWindow } from './freeze-windows.js';

const at = (text: string) => new Date(`2026-01-${text}Z`);
/** Friday 9 January, 16:00, to Monday 12 January, 06:00. */
const weekend = (given: Partial<FreezeWindow> = {}): FreezeWindow => ({
  name: 'weekend',
  deploymentId: undefined,
  from: at('09T16:00'),
  to: at('12T06:00'),
  weekly: true,
  reason: undefined,
  ...given,
});

describe('openWindow', () => {
  it.each([
    { name: 'before it', now: '09T15:59', until: undefined },
    { name: 'at its start', now: '09T16:00', until: '12T06:00' },
    { name: 'at its end, which is not part of it', now: '12T06:00', until: undefined },
    { name: 'a week later', now: '17T12:00', until: '19T06:00' },
    { name: 'between two occurrences', now: '14T12:00', until: undefined },
  ])('says until when nothing moves, $name', ({ now, until }) => {
    expect(openWindow([weekend()], 'd1', at(now))?.until).toEqual(until === undefined ? undefined : at(until));
  });

  it('comes once unless it is weekly', () => {
    expect(openWindow([weekend({ weekly: false })], 'd1', at('17T12:00'))).toBeUndefined();
    expect(nextSpan(weekend({ weekly: false }), at('17T12:00'))).toBeUndefined();
    expect(nextSpan(weekend(), at('14T12:00'))).toEqual({ from: at('16T16:00'), to: at('19T06:00') });
  });

  it('stops its own deployment alone', () => {
    const window = weekend({ deploymentId: 'd1' });
    expect(openWindow([window], 'd1', at('10T00:00'))).toMatchObject({ name: 'weekend' });
    expect(openWindow([window], 'd2', at('10T00:00'))).toBeUndefined();
  });

  it('names of several the one that ends last', () => {
    const audit = weekend({ name: 'audit', weekly: false, to: at('13T00:00') });
    expect(openWindow([weekend(), audit], 'd1', at('10T00:00'))?.name).toBe('audit');
  });
});
