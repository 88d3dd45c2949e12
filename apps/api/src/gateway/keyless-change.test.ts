import { describe, expect, it } from 'vitest';
import { refusalOfKeylessChange } from './keyless-change.js';

const here = { remoteAddress: '127.0.0.1' };
const host = 'localhost:4000';

describe('refusalOfKeylessChange', () => {
  it.each([
    { name: 'a client on this machine', socket: here, headers: { host } },
    { name: 'a client on this machine by IPv6', socket: { remoteAddress: '::1' }, headers: { host } },
    { name: 'an IPv4 client on a listener for both', socket: { remoteAddress: '::ffff:127.0.0.1' }, headers: { host } },
    { name: 'a page of our own', socket: here, headers: { host, 'sec-fetch-site': 'same-origin', origin: `http://${host}` } },
    { name: 'a typed address', socket: here, headers: { host, 'sec-fetch-site': 'none' } },
  ])('lets in $name', ({ socket, headers }) => {
    expect(refusalOfKeylessChange({ socket, headers })).toBeUndefined();
  });

  it.each([
    { name: 'another machine', socket: { remoteAddress: '192.168.1.7' }, headers: { host } },
    { name: 'nobody knows where', socket: {}, headers: { host } },
    { name: 'a proxy', socket: here, headers: { host, 'x-forwarded-for': '203.0.113.9' } },
    { name: 'a proxy of the new kind', socket: here, headers: { host, forwarded: 'for=203.0.113.9' } },
    { name: 'a page elsewhere', socket: here, headers: { host, 'sec-fetch-site': 'cross-site' } },
    { name: 'a page on another port', socket: here, headers: { host, 'sec-fetch-site': 'same-site' } },
    { name: 'a page elsewhere in an old browser', socket: here, headers: { host, origin: 'https://example.org' } },
    { name: 'a page without an origin', socket: here, headers: { host, origin: 'null' } },
  ])('turns away $name', ({ socket, headers }) => {
    expect(refusalOfKeylessChange({ socket, headers })).toMatchObject({ code: 'CREDENTIAL_MISSING', message: expect.stringContaining('send a key') });
  });
});
