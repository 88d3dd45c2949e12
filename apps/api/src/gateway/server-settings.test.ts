import { describe, expect, it } from 'vitest';
import { acceptUnchanged, logSettings, traceSettings } from './server-settings.js';

interface Case {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly wish: Readonly<Record<string, unknown>>;
}

describe('acceptUnchanged', () => {
  it.each<Case>([
    { settings: traceSettings, wish: {} },
    { settings: traceSettings, wish: traceSettings },
    { settings: traceSettings, wish: { trace_level: null, trace_rate: 1000 } },
    { settings: traceSettings, wish: { trace_level: 'OFF' } },
    { settings: logSettings, wish: { log_verbose_level: 0, log_info: true } },
  ])('takes $wish', ({ settings, wish }) => {
    expect(() => acceptUnchanged(settings, wish)).not.toThrow();
  });

  it.each<Case & { readonly code: string; readonly says: string }>([
    { settings: traceSettings, wish: { trace_level: ['TIMESTAMPS'] }, code: 'FEATURE_UNSUPPORTED', says: '"trace_level" cannot be changed' },
    { settings: logSettings, wish: { log_info: false }, code: 'FEATURE_UNSUPPORTED', says: '"log_info" cannot be changed' },
    { settings: logSettings, wish: { log_info: {} }, code: 'FEATURE_UNSUPPORTED', says: '"log_info"' },
    { settings: logSettings, wish: { colour: 'red' }, code: 'REQUEST_INVALID', says: 'unknown setting "colour"' },
    { settings: logSettings, wish: { toString: 1 }, code: 'REQUEST_INVALID', says: 'unknown setting "toString"' },
  ])('refuses $wish', ({ settings, wish, code, says }) => {
    expect(() => acceptUnchanged(settings, wish)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }));
  });
});
