import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryGroup, removeGroup } from './memory-group.js';
import { MemoryGroups } from './memory-groups.js';

const MiB = 1024 ** 2;
const hostBytes = 4096 * MiB;
let home = '';
let groups: MemoryGroups | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'slipway-groups-'));
  groups = MemoryGroups.open(home, hostBytes).groups;
});
afterEach(() => {
  groups?.close();
  rmSync(home, { recursive: true, force: true });
});

/** Groups can be written here or they cannot; where not, the guarantee is the other one. */
const canWrite = (() => {
  const trial = mkdtempSync(join(tmpdir(), 'slipway-groups-'));
  const opened = MemoryGroups.open(trial, hostBytes);
  opened.groups?.close();
  rmSync(trial, { recursive: true, force: true });
  return opened.groups !== undefined;
})();

/** A process that waits until it is in its group, then takes memory until it is ended; it gives up at half a gigabyte. */
function startBomb() {
  const code = `process.stdin.once('data', () => { const kept = []; for (let i = 0; i < 64; i++) kept.push(Buffer.alloc(8 * ${MiB}, 1)); process.exit(7); })`;
  return spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'ignore', 'ignore'] });
}

describe.runIf(canWrite)('memory groups', () => {
  it('end a process that takes more than its limit, and say so', async () => {
    const group = groups?.make('ins_1', 150 * MiB);
    const bomb = startBomb();
    group?.add(bomb.pid ?? 0);
    bomb.stdin.write('now');
    const [code, signal] = await once(bomb, 'exit');
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
    const events = group?.events();
    // Version 2 counts the process and the group that goes with it.
    expect(events?.killed).toBeGreaterThan(0);
    expect(events?.peakBytes).toBeGreaterThan(140 * MiB);
    expect(events?.peakBytes).toBeLessThanOrEqual(150 * MiB);
    expect(group?.remove()).toBe(true);
  });

  it('leave a process alone that stays within its limit', async () => {
    const group = groups?.make('ins_1', 1024 * MiB);
    const bomb = startBomb();
    group?.add(bomb.pid ?? 0);
    bomb.stdin.write('now');
    expect(await once(bomb, 'exit')).toEqual([7, null]);
    expect(group?.events().killed).toBe(0);
  });

  it('start counting anew for the next process of an instance', async () => {
    const before = groups?.make('ins_1', 150 * MiB);
    const bomb = startBomb();
    before?.add(bomb.pid ?? 0);
    bomb.stdin.write('now');
    await once(bomb, 'exit');
    expect(groups?.make('ins_1', 150 * MiB).events()).toMatchObject({ killed: 0 });
  });

  it('are found again by their folder, and only while they are there', () => {
    const folder = groups?.make('ins_1', 150 * MiB).folder ?? '';
    expect(MemoryGroup.open(folder)?.events().killed).toBe(0);
    expect(removeGroup(folder)).toBe(true);
    expect(MemoryGroup.open(folder)).toBe(undefined);
  });

  it('of a killed worker are removed, but not those that something lives in', async () => {
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      const left = groups?.make('ins_left', 150 * MiB).folder ?? '';
      const living = groups?.make('ins_living', 150 * MiB);
      living?.add(sleeper.pid ?? 0);
      const next = MemoryGroups.open(home, hostBytes).groups;
      next?.removeEmpty((instanceId) => instanceId === 'ins_left');
      expect(existsSync(left), 'one that is still asked why its process died').toBe(true);
      next?.removeEmpty();
      expect([existsSync(left), existsSync(living?.folder ?? '')]).toEqual([false, true]);
    } finally {
      sleeper.kill('SIGKILL');
      await once(sleeper, 'exit');
    }
    groups?.close();
    expect(existsSync(groups?.folder ?? '')).toBe(false);
  });

  it('refuse a process that is gone', () => {
    const group = groups?.make('ins_1', 150 * MiB);
    expect(() => group?.add(2 ** 22 - 1)).toThrow(/ESRCH|EINVAL/);
  });
});

it('makes no files in a folder that is no group', () => {
  const folder = join(home, 'plain');
  mkdirSync(folder);
  expect(() => MemoryGroup.make(folder, 100 * MiB)).toThrow(/ENOENT/);
  expect(execFileSync('ls', [folder], { encoding: 'utf8' })).toBe('');
});
