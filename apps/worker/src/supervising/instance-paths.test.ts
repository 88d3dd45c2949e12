import { expect, it } from 'vitest';
import { socketFolder } from './instance-paths.js';

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
