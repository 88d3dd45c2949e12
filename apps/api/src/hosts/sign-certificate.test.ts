import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import {
  formatInstanceAddress,
  gatewayUri,
  hostUri,
  InstanceClient,
  InstanceServer,
  type TlsIdentity,
  useInstanceDialling,
} from '@slipway/inference';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Authority, type CertificateWish, newAuthority, newKeyPair, signCertificate } from './sign-certificate.js';

const dayMs = 86_400_000;
let authority: Authority;
let foreign: Authority;
let folder: string;
let server: InstanceServer;
let port: number;
let refusals: string[];

beforeAll(async () => {
  [authority, foreign] = await Promise.all([newAuthority(new Date()), newAuthority(new Date())]);
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-door-'));
  refusals = [];
  await openDoor(await identityOf({ uri: hostUri('hst_1'), side: 'server' }));
});
afterEach(async () => {
  useInstanceDialling({ identity: () => undefined, onRefused: () => undefined });
  await server.close();
  rmSync(folder, { recursive: true });
});

async function identityOf(
  wish: Pick<CertificateWish, 'uri' | 'side'>,
  { by = authority, trusting = authority, at = new Date() }: { by?: Authority; trusting?: Authority; at?: Date } = {},
): Promise<TlsIdentity> {
  const { privateKey, publicKey } = newKeyPair();
  const certificate = await signCertificate(by, { ...wish, publicKey, notAfter: new Date(at.getTime() + dayMs) }, at);
  return { certificate, privateKey, authority: trusting.certificate };
}

async function openDoor(identity: TlsIdentity): Promise<void> {
  const identityFile = join(folder, 'identity.json');
  writeFileSync(identityFile, JSON.stringify(identity));
  server = new InstanceServer({
    socketPath: join(folder, 's'),
    door: { host: '127.0.0.1', port: 0, identityFile },
    hello: { instanceId: 'ins_1', pid: 1, revisionId: 'rev_1' },
    handlers: {
      onInfer: () => undefined,
      onCancel: () => undefined,
      onGone: () => undefined,
      onDrain: () => undefined,
      counters: () => ({ pending: 0, requests: 0, failures: 0, runs: 0, busyForMs: 0, recordsWritten: 0, recordsDropped: 0, spoolBytes: 0 }),
      onRefused: (_, reason) => refusals.push(reason),
    },
  });
  port = (await server.listen()) ?? 0;
  server.become('READY');
}

/** Dials as a gateway would. @returns what came of it: the instance's state, or why it was not reached. */
async function dial(identity: TlsIdentity | undefined, hostId = 'hst_1'): Promise<string> {
  let refused: string | undefined;
  useInstanceDialling({
    identity: () => identity,
    onRefused: (_, reason) => {
      refused ??= reason;
    },
  });
  const address = formatInstanceAddress({ kind: 'tls', hostId, host: '127.0.0.1', port });
  const client = new InstanceClient({ address, role: 'gateway', reconnect: false });
  try {
    await waitFor(() => client.state === 'READY' || client.state === 'CLOSED', { what: 'the outcome' });
    return client.state === 'READY' ? 'READY' : (refused ?? 'hung up on');
  } finally {
    client.close();
  }
}

const gateway = { uri: gatewayUri, side: 'client' } as const;

describe('the door of an instance', () => {
  it('lets a gateway in, which finds the host that it expects', async () => {
    expect(await dial(await identityOf(gateway))).toBe('READY');
    expect(refusals).toEqual([]);
  });

  it.each([
    { name: 'another authority’s certificate', identity: () => identityOf(gateway, { by: foreign }), told: /SIGNATURE|ISSUER|VERIFY/ },
    { name: 'an expired certificate', identity: () => identityOf(gateway, { at: new Date(Date.now() - 2 * dayMs) }), told: /CERT_HAS_EXPIRED/ },
    { name: 'the certificate of a host', identity: () => identityOf({ uri: hostUri('hst_2'), side: 'server' }), told: /PURPOSE/ },
    { name: 'a client that is no gateway', identity: () => identityOf({ uri: hostUri('hst_2'), side: 'client' }), told: /not a gateway/ },
  ])('refuses $name, and says so', async ({ identity, told }) => {
    expect(await dial(await identity())).not.toBe('READY');
    await waitFor(() => refusals.length > 0, { what: 'the refusal to be told' });
    expect(refusals[0]).toMatch(told);
  });

  it('refuses who has no certificate', async () => {
    const socket = connectTls({ host: '127.0.0.1', port, ca: authority.certificate, checkServerIdentity: () => undefined });
    const received: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.on('data', (data) => received.push(data));
    await waitFor(() => socket.destroyed && refusals.length > 0, { what: 'the connection to be closed' });
    expect(received).toEqual([]);
    expect(refusals).toEqual([expect.stringMatching(/not accepted/)]);
  });

  it('refuses whoever speaks no TLS', async () => {
    const received: Buffer[] = [];
    const socket = createConnection(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', (data) => received.push(data));
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await waitFor(() => socket.destroyed, { what: 'the connection to be closed' });
    // An alert at most; never a frame.
    expect(Buffer.concat(received).includes('ins_1')).toBe(false);
    expect(refusals).toEqual([expect.stringMatching(/wrong version number|http request/i)]);
  });

  it('shows a renewed certificate to those who come later', async () => {
    const address = await dial(await identityOf(gateway), 'hst_9');
    expect(address).toMatch(/hst_1's|slipway:\/\/host\/hst_1/);
    writeFileSync(join(folder, 'identity.json'), JSON.stringify(await identityOf({ uri: hostUri('hst_9'), side: 'server' })));
    server.refresh();
    expect(await dial(await identityOf(gateway), 'hst_9')).toBe('READY');
  });
});

describe('a gateway', () => {
  it.each([
    {
      name: 'another host than it expects',
      hostId: 'hst_2',
      door: undefined,
      told: /the certificate is URI:slipway:\/\/host\/hst_1's, not slipway:\/\/host\/hst_2's/,
    },
    {
      name: 'a host of another authority',
      door: () => identityOf({ uri: hostUri('hst_1'), side: 'server' }, { by: foreign }),
      told: /self.signed|unable|issuer/i,
    },
    {
      name: 'a host whose certificate has expired',
      door: () => identityOf({ uri: hostUri('hst_1'), side: 'server' }, { at: new Date(Date.now() - 2 * dayMs) }),
      told: /expired/i,
    },
    { name: 'another gateway in its place', door: () => identityOf({ uri: gatewayUri, side: 'client' }), told: /purpose|unsuitable/i },
  ])('does not talk to $name', async ({ hostId, door, told }) => {
    if (door !== undefined) {
      await server.close();
      await openDoor(await door());
    }
    expect(await dial(await identityOf(gateway), hostId)).toMatch(told);
  });

  it('that has no certificate yet tries again later', async () => {
    expect(await dial(undefined)).toBe('this process has no certificate yet');
  });
});

it('refuses to sign anything but a key of the curve P-256', async () => {
  const wish = { uri: hostUri('hst_1'), side: 'server', notAfter: new Date(Date.now() + dayMs) } as const;
  const publicKey = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n';
  await expect(signCertificate(authority, { ...wish, publicKey }, new Date())).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});
