import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

/** Names whose values never reach a log, at any depth used here. */
const secretPaths = [
  'key',
  'secret',
  'token',
  'password',
  'authorization',
  'cookie',
  '*.key',
  '*.secret',
  '*.token',
  '*.password',
  '*.authorization',
  '*.cookie',
];

/**
 * JSON lines on stdout. Log events, not prose: a fixed lower-case message with facts as fields.
 * `error` = a person must act; `warn` = it healed, count it; `info` = a state changed; `debug` = for developers.
 */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretPaths, censor: '[secret]' },
    formatters: { level: (label) => ({ level: label }) },
  });
}
