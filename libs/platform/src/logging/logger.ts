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

/** Lines that wait for room beyond this are dropped. */
const waitingBytesMax = 4 * 1024 * 1024;

/**
 * JSON lines on stdout, or another open file. Log events, not prose: a fixed lower-case message with facts as fields.
 * `error` = a person must act; `warn` = it healed, count it; `info` = a state changed; `debug` = for developers.
 */
export function createLogger(name: string, level: string, output = 1): Logger {
  const destination = pino.destination({ dest: output, sync: false, minLength: 0, maxLength: waitingBytesMax });
  // A log that cannot be written, on a full disk say, must not end what it tells about.
  destination.on('error', () => undefined);
  const options = {
    name,
    level,
    base: { name },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretPaths, censor: '[secret]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination);
}
