import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { parsePs, parseStat, readProcessUsage } from './process-usage.js';

it('reads a stat line whose process name holds spaces and parentheses', () => {
  const line = '4242 (my (odd) name) R 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 7 0 123456 1000 200 18446744073709551615';
  expect(parseStat(line)).toEqual({ state: 'R', cpuSeconds: 4, startTicks: 123456 });
});

it.each([
  { line: '  0:01.50   01:02  2048 Sun Mar  1 10:00:00 2026\n', cpu: 1.5, age: 62 },
  { line: '1-02:03:04 3-00:00:00 2048 Sun Mar  1 10:00:00 2026', cpu: 93_784, age: 259_200 },
])('reads a line of ps', ({ line, cpu, age }) => {
  expect(parsePs(line)).toMatchObject({ cpuSeconds: cpu, ageSeconds: age, rssBytes: 2_097_152, readBytes: null, threads: null, reduced: true });
});

it('takes anything else from ps as no such process', () => {
  expect(parsePs('')).toBeUndefined();
});

it('sees a process work and its end', async () => {
  // By its own count of CPU time: on a busy machine the clock on the wall says little.
  const busy = 'while (process.cpuUsage().user < 300_000); console.log("done"); setInterval(() => {}, 1000)';
  const child = spawn(process.execPath, ['-e', busy], { stdio: ['ignore', 'pipe', 'ignore'] });
  const { pid } = child;
  if (pid === undefined) throw new Error('not spawned');
  await once(child.stdout, 'data');
  const usage = await readProcessUsage(pid);
  expect(usage?.cpuSeconds).toBeGreaterThan(0.2);
  expect(usage?.rssBytes).toBeGreaterThan(10 * 1024 * 1024);
  expect(usage?.ageSeconds).toBeLessThan(60);
  if (process.platform === 'linux') {
    expect(usage).toMatchObject({ reduced: false });
    expect(usage?.threads).toBeGreaterThan(1);
    expect(usage?.openFiles).toBeGreaterThan(2);
    expect(usage?.readOperations).toBeGreaterThan(0);
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readProcessUsage(pid)).toBeUndefined();
});

it('gives the reduced set where there is no /proc', async () => {
  const usage = await readProcessUsage(process.pid, 'darwin');
  expect(usage).toMatchObject({ reduced: true, openFiles: null });
  expect(usage?.rssBytes).toBeGreaterThan(10 * 1024 * 1024);
});
