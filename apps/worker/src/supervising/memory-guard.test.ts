import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryGroups } from './memory-groups.js';
import { guardAdopted, guardMemory } from './memory-guard.js';
import { residentBytes } from './process-table.js';

const MiB = 1024 ** 2;
const limitBytes = 200 * MiB;
const log = createLogger('test', 'silent');
let bomb: ChildProcess | undefined;

afterEach(async () => {
  bomb?.kill('SIGKILL');
  if (bomb?.exitCode === null && bomb.signalCode === null) await once(bomb, 'exit');
});

/** Takes memory as fast as it can once it is told to; it gives up at 1.5 GB and waits. */
function startBomb(): ChildProcess {
  const code = `process.stdin.on('data', () => { globalThis.kept = []; for (let i = 0; i < 96; i++) kept.push(Buffer.alloc(16 * ${MiB}, 1)); })`;
  bomb = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'ignore', 'ignore'] });
  return bomb;
}

function guarded(process: ChildProcess, told: string[], expectedBytes?: number) {
  const onOver = (reason: string) => {
    told.push(reason);
    process.kill('SIGKILL');
  };
  return { instanceId: 'ins_1', pid: process.pid ?? 0, limitBytes, expectedBytes, onOver, log };
}

describe('memory that is watched', () => {
  it('is noticed soon after it went beyond the limit', async () => {
    const told: string[] = [];
    const process = startBomb();
    const guard = guardMemory(undefined, guarded(process, told));
    expect(guard).toMatchObject({ by: 'worker', group: undefined });
    // Looked at from the start; the bomb goes off in the middle of a pause.
    await waitFor(() => (residentBytes(process.pid ?? 0) ?? 0) > 30 * MiB, { what: 'the program to be there' });
    process.stdin?.write('now');
    await once(process, 'exit');
    guard.close();
    expect(told).toHaveLength(1);
    const used = Number(/^it used (\d+) MiB of memory; its limit is 200 MiB$/.exec(told[0] ?? '')?.[1]);
    expect(used).toBeGreaterThanOrEqual(200);
    // It takes some 2 GB/s here; the pauses are 200 ms at the most.
    expect(used).toBeLessThan(1_000);
  });

  it('says when the limit is below what the model needs', async () => {
    const told: string[] = [];
    const process = startBomb();
    const guard = guardMemory(undefined, guarded(process, told, 300 * MiB));
    process.stdin?.write('now');
    await once(process, 'exit');
    guard.close();
    expect(told[0]).toMatch(/its limit is 200 MiB, and it is expected to need 300 MiB$/);
  });

  it('is watched, too, where an adopted process has lost its group', () => {
    const process = startBomb();
    const guard = guardAdopted('/sys/fs/cgroup/there/is/none', guarded(process, []));
    expect(guard.by).toBe('worker');
    guard.close();
  });
});

const home = mkdtempSync(join(tmpdir(), 'slipway-guard-'));
const { groups } = MemoryGroups.open(home, 4096 * MiB);
rmSync(home, { recursive: true });
groups?.close();

describe.runIf(groups !== undefined)('memory that the system limits', () => {
  it('ends the process by itself, and the reason is known afterwards, also to the next worker', async () => {
    const told: string[] = [];
    const { groups: own } = MemoryGroups.open(home, 4096 * MiB);
    const process = startBomb();
    const guard = guardMemory(own, guarded(process, told));
    const next = guardAdopted(guard.group, guarded(process, told));
    expect([guard.by, next.by]).toEqual(['system', 'system']);
    expect(guard.reasonOfDeath()).toBe(undefined);
    process.stdin?.write('now');
    expect(await once(process, 'exit')).toEqual([null, 'SIGKILL']);
    for (const each of [guard, next]) expect(each.reasonOfDeath()).toBe('it used 200 MiB of memory; its limit is 200 MiB');
    expect(told).toEqual([]);
    next.close();
    own?.close();
  });
});
