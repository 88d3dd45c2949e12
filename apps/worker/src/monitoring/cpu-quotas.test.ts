import { expect, it } from 'vitest';
import { readContainerMemory } from './container-memory.js';
import { CpuQuotas } from './cpu-quotas.js';

const v2 = '38 31 0:41 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const v1 = `32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory`;
const quota = (throttled: number, micros: number) => `usage_usec 1\nnr_periods 100\nnr_throttled ${throttled}\nthrottled_usec ${micros}\n`;
const none = 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n';

function files(all: Record<string, string>): (path: string) => Promise<string> {
  return (path) => Promise.resolve(all[path] ?? '');
}

it('finds the quota above the own group, and shares it evenly', async () => {
  const all: Record<string, string> = {
    '/proc/self/mountinfo': v2,
    '/proc/self/cgroup': '0::/pod/slipway\n',
    '/proc/11/cgroup': '0::/pod/slipway/ins_1\n',
    '/proc/12/cgroup': '0::/other/ins_2\n',
    '/sys/fs/cgroup/pod/slipway/ins_1/cpu.stat': none,
    '/sys/fs/cgroup/pod/slipway/cpu.stat': none,
    '/sys/fs/cgroup/pod/cpu.stat': quota(10, 1_000_000),
    '/sys/fs/cgroup/other/ins_2/cpu.stat': none,
    '/sys/fs/cgroup/other/cpu.stat': none,
    '/sys/fs/cgroup/cpu.stat': none,
  };
  const quotas = new CpuQuotas(files(all));
  // What was before is not ours to count.
  expect(await quotas.lost([11, 12, 'self'])).toEqual([{ seconds: 0, periods: 0 }, null, { seconds: 0, periods: 0 }]);
  all['/sys/fs/cgroup/pod/cpu.stat'] = quota(14, 1_500_000);
  expect(await quotas.lost([11, 12, 'self'])).toEqual([{ seconds: 0.25, periods: 2 }, null, { seconds: 0.25, periods: 2 }]);
});

it('reads groups of version 1, and sees that a process is gone', async () => {
  const all: Record<string, string> = {
    '/proc/self/mountinfo': v1,
    '/proc/11/cgroup': '4:memory:/a\n1:cpu:/a\n0::/\n',
    '/sys/fs/cgroup/cpu/a/cpu.stat': 'nr_periods 5\nnr_throttled 1\nthrottled_time 1000000000\n',
  };
  const quotas = new CpuQuotas(files(all));
  expect(await quotas.lost([11, 99])).toEqual([{ seconds: 0, periods: 0 }, null]);
  all['/sys/fs/cgroup/cpu/a/cpu.stat'] = 'nr_periods 9\nnr_throttled 3\nthrottled_time 1200000000\n';
  const [lost] = await quotas.lost([11]);
  expect(lost?.seconds).toBeCloseTo(0.2, 12);
  expect(lost?.periods).toBe(2);
});

it('reads what this system has', async () => {
  const [lost] = await new CpuQuotas().lost(['self']);
  expect(lost === null || lost?.seconds === 0).toBe(true);
});

it.each<{ name: string; all: Record<string, string>; expected: object | undefined }>([
  {
    name: 'the smallest limit of version 2 above us',
    all: {
      '/proc/self/mountinfo': v2,
      '/proc/self/cgroup': '0::/pod/slipway\n',
      '/sys/fs/cgroup/pod/slipway/memory.stat': 'anon 1\ninactive_file 100\n',
      '/sys/fs/cgroup/pod/slipway/memory.max': 'max\n',
      '/sys/fs/cgroup/pod/memory.stat': 'anon 1\ninactive_file 300\n',
      '/sys/fs/cgroup/pod/memory.max': '5000\n',
      '/sys/fs/cgroup/pod/memory.current': '2300\n',
    },
    expected: { memoryBytes: 2000, memoryLimitBytes: 5000 },
  },
  {
    name: 'a limit of version 1',
    all: {
      '/proc/self/mountinfo': v1,
      '/proc/self/cgroup': '4:memory:/a\n1:cpu:/a\n',
      '/sys/fs/cgroup/memory/a/memory.stat': 'inactive_file 1\ntotal_inactive_file 200\n',
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '6000\n',
      '/sys/fs/cgroup/memory/a/memory.usage_in_bytes': '1200\n',
    },
    expected: { memoryBytes: 1000, memoryLimitBytes: 6000 },
  },
  {
    name: 'no limit in what version 1 says for none',
    all: {
      '/proc/self/mountinfo': v1,
      '/proc/self/cgroup': '4:memory:/a\n1:cpu:/a\n',
      '/sys/fs/cgroup/memory/a/memory.stat': 'inactive_file 1\n',
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '9223372036854771712\n',
    },
    expected: undefined,
  },
  { name: 'nothing where there are no groups', all: {}, expected: undefined },
])('takes $name', async ({ all, expected }) => {
  expect(await readContainerMemory(1e12, files(all))).toEqual(expected);
});
