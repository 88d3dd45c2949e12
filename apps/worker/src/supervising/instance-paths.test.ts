import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InstanceFolders, refuseForeignFolder, socketFolder } from './instance-paths.js';

it('keeps sockets in the run folder while their paths fit the system', () => {
  expect(socketFolder('/srv/slipway', '/srv/slipway/run')).toBe('/srv/slipway/run');
});

it('uses a short folder of the installation’s own for longer ones, always the same', () => {
  const home = `/srv/${'x'.repeat(80)}`;
  const folder = socketFolder(home, `${home}/run`);
  expect(Buffer.byteLength(`${folder}/ins_00000000000000000000000000.sock`)).toBeLessThanOrEqual(100);
  expect(socketFolder(home, `${home}/run`)).toBe(folder);
  expect(socketFolder(`${home}y`, `${home}y/run`)).not.toBe(folder);
});

it('counts bytes, not characters', () => {
  const home = `/srv/${'ü'.repeat(30)}`;
  expect(socketFolder(home, `${home}/run`)).not.toBe(`${home}/run`);
});

it('closes the folder of the sockets to other accounts, also one that was there', () => {
  const home = mkdtempSync(join(tmpdir(), 'slw-'));
  mkdirSync(join(home, 'run'));
  chmodSync(join(home, 'run'), 0o777);
  const folders = new InstanceFolders(home);
  expect(statSync(folders.run).mode & 0o777).toBe(0o700);
  rmSync(home, { recursive: true });
});

it('refuses a folder of sockets that leads elsewhere or is somebody else’s', () => {
  const home = mkdtempSync(join(tmpdir(), 'slw-'));
  expect(() => refuseForeignFolder(home)).not.toThrow();
  symlinkSync(home, join(home, 'link'));
  expect(() => refuseForeignFolder(join(home, 'link'))).toThrow(/belongs to somebody else/);
  const me = process.getuid?.();
  if (me !== 0 && me !== undefined) expect(() => refuseForeignFolder('/')).toThrow(/belongs to somebody else/);
  rmSync(home, { recursive: true });
});
