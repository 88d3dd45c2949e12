import { readFileSync } from 'node:fs';
import { messageOf } from '@slipway/contracts';
import { z } from 'zod';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const onOff = (fallback: 'on' | 'off') => z.enum(['on', 'off']).default(fallback);
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const labels = z
  .string()
  .default('')
  .transform((text, ctx) => {
    const pairs = text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})=([\x20-\x7e]{1,256})$/.exec(part) ?? part);
    for (const pair of pairs) if (typeof pair === 'string') ctx.addIssue({ code: 'custom', message: `expected name=value, not "${pair}"` });
    return Object.fromEntries(pairs.flatMap((pair) => (typeof pair === 'string' ? [] : [[pair[1] ?? '', pair[2] ?? '']])));
  });
const portRange = z
  .string()
  .default('4200-4999')
  .transform((text, ctx) => {
    const [, from = '', to = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
    const range = { from: Number(from), to: Number(to) };
    if (range.from < 1 || range.to > 65_535 || range.from > range.to) {
      ctx.addIssue({ code: 'custom', message: `expected the first and the last port as "4200-4999", not "${text}"` });
    }
    return range;
  });

/** Every setting there is. A test compares the names with `.env.example`. */
export const settingsShape = {
  SLIPWAY_HOME: z.string().min(1).default('.slipway'),
  SLIPWAY_LISTEN: z.string().min(1).default('127.0.0.1'),
  SLIPWAY_API_PORT: port(4000),
  SLIPWAY_GRPC_PORT: port(4001),
  SLIPWAY_GRPC_TLS_CERT_FILE: z.string().min(1).optional(),
  SLIPWAY_GRPC_TLS_KEY_FILE: z.string().min(1).optional(),
  SLIPWAY_WORKER_PORT: port(4100),
  SLIPWAY_CONSOLE_PORT: port(3000),
  SLIPWAY_PUBLIC_URL: z.url().optional(),
  SLIPWAY_GATEWAY_URL: z.url({ protocol: /^https?$/ }).optional(),
  SLIPWAY_API_URL: z.url({ protocol: /^https?$/ }).optional(),
  SLIPWAY_JOIN_TOKEN: z.string().min(16).max(256).optional(),
  SLIPWAY_HOST_NAME: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected letters, digits, ".", "_" and "-", the first a letter or a digit')
    .optional(),
  SLIPWAY_HOST_LABELS: labels,
  SLIPWAY_HOST_ADDRESS: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,253}$/, 'expected an IP address or a host name, without a port')
    .optional(),
  SLIPWAY_INSTANCE_PORTS: portRange,
  SLIPWAY_BOOTSTRAP_API_KEY: z.string().min(32, 'expected at least 32 characters').optional(),
  SLIPWAY_EXAMPLES: onOff('on'),
  SLIPWAY_PREDICT_AUTH: z.enum(['required', 'off']).default('required'),
  SLIPWAY_SERVER_NAME: z.string().min(1).max(128).default('slipway'),
  SLIPWAY_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .max(2_000_000_000)
    .default(64 * 1024 * 1024),
  SLIPWAY_MAX_ARTEFACT_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(4 * 1024 * 1024 * 1024),
  SLIPWAY_MAX_BATCH_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(4 * 1024 * 1024 * 1024),
  SLIPWAY_DEFAULT_DEADLINE_MS: z.coerce.number().int().min(1).max(600_000).default(30_000),
  SLIPWAY_VALIDATION_SECONDS: z.coerce.number().int().min(1).max(3600).default(60),
  SLIPWAY_VALIDATION_MEMORY_BYTES: z.coerce
    .number()
    .int()
    .min(64 * 1024 * 1024)
    .default(4 * 1024 * 1024 * 1024),
  SLIPWAY_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  SLIPWAY_MAIL_FROM: z.string().min(3).default('Slipway <slipway@localhost>'),
  SLIPWAY_EGRESS_ALLOW: list,
  SLIPWAY_SPOOL_BYTES: z.coerce
    .number()
    .int()
    .min(1024 * 1024)
    .max(1024 ** 4)
    .default(1024 * 1024 * 1024),
  SLIPWAY_RETENTION_PREDICTIONS_DAYS: z.coerce.number().int().min(1).max(3650).default(30),
  SLIPWAY_RETENTION_WINDOWS_DAYS: z.coerce.number().int().min(1).max(3650).default(400),
  SLIPWAY_RETENTION_BATCH_DAYS: z.coerce.number().int().min(1).max(3650).default(30),
  SLIPWAY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  QUEUE_URL: z.url({ protocol: /^(postgres(ql)?|rediss?)$/ }).optional(),
  ARTEFACT_URL: z.string().min(1).optional(),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional(),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  AWS_SESSION_TOKEN: z.string().min(1).optional(),
};

/** Settings whose value may come from a file named by the same name with `_FILE`. */
export const secretSettings = [
  'SLIPWAY_BOOTSTRAP_API_KEY',
  'SLIPWAY_JOIN_TOKEN',
  'SLIPWAY_SMTP_URL',
  'DATABASE_URL',
  'QUEUE_URL',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
] as const;

const SettingsSchema = z.object(settingsShape).superRefine((settings, ctx) => {
  const loopback = settings.SLIPWAY_LISTEN === 'localhost' || settings.SLIPWAY_LISTEN === '::1' || settings.SLIPWAY_LISTEN.startsWith('127.');
  if (settings.SLIPWAY_PREDICT_AUTH === 'off' && !loopback) {
    ctx.addIssue({
      code: 'custom',
      path: ['SLIPWAY_PREDICT_AUTH'],
      message: `"off" is allowed only while SLIPWAY_LISTEN is a loopback address, not "${settings.SLIPWAY_LISTEN}"`,
    });
  }
  const { SLIPWAY_GRPC_TLS_CERT_FILE: cert, SLIPWAY_GRPC_TLS_KEY_FILE: key } = settings;
  if ((cert === undefined) !== (key === undefined)) {
    ctx.addIssue({
      code: 'custom',
      path: [cert === undefined ? 'SLIPWAY_GRPC_TLS_CERT_FILE' : 'SLIPWAY_GRPC_TLS_KEY_FILE'],
      message: 'expected together with the other one: TLS needs a certificate and its key',
    });
  }
});
export type Settings = Readonly<z.infer<typeof SettingsSchema>>;

/** All that is wrong with the settings, in one message. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads the settings from an environment. An empty value counts as unset. A secret may come from a file (`NAME_FILE`).
 * @throws SettingsError that lists every wrong setting with what was expected.
 */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const name of Object.keys(settingsShape)) {
    const value = env[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  for (const name of secretSettings) {
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '' || given[name] !== undefined) continue;
    try {
      given[name] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      problems.push(`${name}_FILE: cannot read ${file}: ${messageOf(error)}`);
    }
  }
  const unknown = Object.keys(env).filter((name) => name.startsWith('SLIPWAY_') && !isKnown(name));
  for (const name of unknown) problems.push(`${name}: no such setting`);
  const parsed = SettingsSchema.safeParse(given);
  if (!parsed.success) for (const issue of parsed.error.issues) problems.push(`${issue.path.join('.')}: ${issue.message}`);
  if (!parsed.success || problems.length > 0) throw new SettingsError(`These settings are not usable:\n  ${problems.join('\n  ')}`);
  return Object.freeze(parsed.data);
}

/** The address under which a worker reaches the gateway, without a trailing slash. */
export function gatewayUrlOf(settings: Pick<Settings, 'SLIPWAY_GATEWAY_URL' | 'SLIPWAY_LISTEN' | 'SLIPWAY_API_PORT'>): string {
  const { SLIPWAY_GATEWAY_URL, SLIPWAY_LISTEN, SLIPWAY_API_PORT } = settings;
  if (SLIPWAY_GATEWAY_URL !== undefined) return SLIPWAY_GATEWAY_URL.replace(/\/+$/, '');
  const everywhere = SLIPWAY_LISTEN === '0.0.0.0' || SLIPWAY_LISTEN === '::';
  const host = everywhere ? '127.0.0.1' : SLIPWAY_LISTEN;
  return `http://${host.includes(':') ? `[${host}]` : host}:${SLIPWAY_API_PORT}`;
}

/** Names of the environment that are read outside the schema: by scripts and by the children of the supervisor. */
const outsideNames = ['SLIPWAY_API_KEY', 'SLIPWAY_URL'];

function isKnown(name: string): boolean {
  if (Object.hasOwn(settingsShape, name) || outsideNames.includes(name)) return true;
  return secretSettings.some((secret) => name === `${secret}_FILE`);
}
