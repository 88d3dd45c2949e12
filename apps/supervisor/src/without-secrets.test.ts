import { expect, it } from 'vitest';
import { withoutSecrets } from './without-secrets.js';

it('hands on everything but secrets and the files that hold them', () => {
  const env = {
    SLIPWAY_CONSOLE_PORT: '3000',
    PATH: '/bin',
    DATABASE_URL: 'postgresql://u:p@h/d',
    QUEUE_URL: 'redis://:p@h',
    SLIPWAY_BOOTSTRAP_API_KEY: 'k',
    SLIPWAY_SMTP_URL_FILE: '/run/secrets/smtp',
  };
  expect(withoutSecrets(env)).toEqual({ SLIPWAY_CONSOLE_PORT: '3000', PATH: '/bin' });
});
