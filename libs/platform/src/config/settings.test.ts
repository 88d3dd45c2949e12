import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gatewayUrlOf, loadSettings, SettingsError, settingsShape } from './settings.js';

const example = readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8');
const exampleValues = Object.fromEntries(
  example
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);

describe('loadSettings', () => {
  it('has the same names as .env.example', () => {
    expect(Object.keys(exampleValues).sort()).toEqual(Object.keys(settingsShape).sort());
  });

  it('has the defaults that .env.example shows', () => {
    expect(loadSettings(exampleValues)).toEqual(loadSettings({}));
  });

  it('lists every wrong setting at once', () => {
    const load = () => loadSettings({ SLIPWAY_API_PORT: 'http', SLIPWAY_EXAMPLES: 'yes', SLIPWAY_PORT: '1' });
    expect(load).toThrow(SettingsError);
    expect(load).toThrow(/SLIPWAY_API_PORT[\s\S]*SLIPWAY_EXAMPLES/);
    expect(load).toThrow(/SLIPWAY_PORT: no such setting/);
  });

  it('refuses predictions without keys on an address others can reach', () => {
    expect(() => loadSettings({ SLIPWAY_PREDICT_AUTH: 'off', SLIPWAY_LISTEN: '0.0.0.0' })).toThrow(/loopback/);
    expect(loadSettings({ SLIPWAY_PREDICT_AUTH: 'off' }).SLIPWAY_PREDICT_AUTH).toBe('off');
  });

  it('takes a certificate and its key together or not at all', () => {
    const both = { SLIPWAY_GRPC_TLS_CERT_FILE: '/c.pem', SLIPWAY_GRPC_TLS_KEY_FILE: '/k.pem' };
    expect(loadSettings(both)).toMatchObject(both);
    expect(() => loadSettings({ SLIPWAY_GRPC_TLS_CERT_FILE: '/c.pem' })).toThrow(/SLIPWAY_GRPC_TLS_KEY_FILE: expected together/);
    expect(() => loadSettings({ SLIPWAY_GRPC_TLS_KEY_FILE: '/k.pem' })).toThrow(/SLIPWAY_GRPC_TLS_CERT_FILE: expected together/);
  });

  it('reads a secret from a file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'settings-')), 'key');
    writeFileSync(file, `${'k'.repeat(40)}\n`);
    expect(loadSettings({ SLIPWAY_BOOTSTRAP_API_KEY_FILE: file }).SLIPWAY_BOOTSTRAP_API_KEY).toBe('k'.repeat(40));
    expect(() => loadSettings({ SLIPWAY_BOOTSTRAP_API_KEY_FILE: `${file}-missing` })).toThrow(/cannot read/);
  });
});

describe('gatewayUrlOf', () => {
  it.each([
    [{}, 'http://127.0.0.1:4000'],
    [{ SLIPWAY_LISTEN: '0.0.0.0', SLIPWAY_API_PORT: '5000' }, 'http://127.0.0.1:5000'],
    [{ SLIPWAY_LISTEN: '::1' }, 'http://[::1]:4000'],
    [{ SLIPWAY_GATEWAY_URL: 'https://gateway.internal/' }, 'https://gateway.internal'],
  ])('%j is reached at %s', (env, url) => {
    expect(gatewayUrlOf(loadSettings(env))).toBe(url);
  });
});
