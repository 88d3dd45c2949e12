import { isDeepStrictEqual } from 'node:util';
import { SlipwayError } from '@slipway/contracts';

type Settings = Readonly<Record<string, unknown>>;

/** The protocol's trace settings, which are texts there. Requests are not traced by this server: what follows them is `traceparent`. */
export const traceSettings: Settings = {
  trace_file: '',
  trace_level: ['OFF'],
  trace_rate: '1000',
  trace_count: '-1',
  log_frequency: '0',
  trace_mode: 'triton',
};

/** The protocol's log settings. The log of this server is set where it is started. */
export const logSettings: Settings = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};

/**
 * Takes a change of settings when it changes nothing; `null` asks for the value that is there anyway.
 * @throws SlipwayError REQUEST_INVALID, FEATURE_UNSUPPORTED naming the setting.
 */
export function acceptUnchanged(settings: Settings, wish: Settings): void {
  for (const [name, given] of Object.entries(wish)) {
    if (!Object.hasOwn(settings, name)) {
      const known = Object.keys(settings).join(', ');
      throw new SlipwayError('REQUEST_INVALID', `unknown setting ${JSON.stringify(name.slice(0, 100))}: the settings are ${known}`);
    }
    if (given === null || isSame(given, settings[name])) continue;
    throw new SlipwayError(
      'FEATURE_UNSUPPORTED',
      `the setting "${name}" cannot be changed while the server runs; it is ${JSON.stringify(settings[name])}`,
    );
  }
}

/** Clients send numbers as numbers or as texts, and a list of one as that one. */
function isSame(given: unknown, value: unknown): boolean {
  if (typeof given === 'number' || typeof given === 'string') return String(given) === String(value);
  return isDeepStrictEqual(given, value);
}
