import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { announce, quote } from './announcement.js';
import { countDeath, healthyAfterMs, restartDelayMs } from './backoff.js';

const facts = {
  url: 'http://127.0.0.1:4000',
  grpc: { address: '127.0.0.1:4001', isOverTls: false },
  signInToken: 'tkn_abcdefghijklmnop',
  keyFile: '/home/me/my state/secrets/bootstrap-key',
  needsKey: true,
  example: { deployment: 'diagnosis', requestFile: '/srv/slipway/examples/request.json' },
  secondsToReady: 4.2,
};

it('shows a new key once and later only where it is kept', () => {
  const key = 'slw_0123456789012345678901234567890123456789abc';
  expect(announce({ ...facts, bootstrap: { key, origin: 'made' } })).toContain(key);
  for (const origin of ['kept', 'given'] as const) expect(announce({ ...facts, bootstrap: { key, origin } })).not.toContain(key);
});

it('prints a command whose words survive a shell, also with a blank in the path', () => {
  const text = announce({ ...facts, bootstrap: { key: 'x'.repeat(32), origin: 'kept' } });
  const command = text.slice(text.indexOf('curl'), text.indexOf('\n\n', text.indexOf('curl')));
  const script = `cat() { echo "key of $1"; }; curl() { for word in "$@"; do echo "<$word>"; done; }; ${command}`;
  const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  expect(words).toEqual([
    '<-s>',
    '<http://127.0.0.1:4000/v2/models/diagnosis/infer>',
    '<-H>',
    '<Authorization: Bearer key of /home/me/my state/secrets/bootstrap-key>',
    '<-H>',
    '<Content-Type: application/json>',
    '<-d>',
    '<@/srv/slipway/examples/request.json>',
  ]);
});

it('says where gRPC is, and whether it is over TLS', () => {
  const bootstrap = { key: 'x'.repeat(32), origin: 'kept' } as const;
  expect(announce({ ...facts, bootstrap })).toMatch(/gRPC +127\.0\.0\.1:4001$/m);
  expect(announce({ ...facts, bootstrap, grpc: { address: 'h:1', isOverTls: true } })).toMatch(/gRPC +h:1 +\(over TLS\)$/m);
});

it('sends no key where predictions need none', () => {
  expect(announce({ ...facts, needsKey: false, bootstrap: { key: 'x'.repeat(32), origin: 'kept' } })).not.toContain('Authorization');
});

it.each(['plain', "it's", 'a b', '$HOME', '`x`', '"'])('quotes %j for a shell', (text) => {
  expect(execFileSync('sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(text);
});

it('waits longer after each death in a row, up to 5 s, and starts over after a healthy run', () => {
  expect([1, 2, 3, 4, 5, 6, 50].map(restartDelayMs)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(countDeath(7, healthyAfterMs)).toBe(1);
  expect(countDeath(7, healthyAfterMs - 1)).toBe(8);
});
