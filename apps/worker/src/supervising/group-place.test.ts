import { expect, it } from 'vitest';
import { findGroupPlace } from './group-place.js';

const v1 = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory';
const v2 = '38 31 0:41 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const both = `23 1 254:0 / / rw - ext4 /dev/root rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n${v1}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;

it.each<{ name: string; groups: string; mounts: string; expected: object | undefined }>([
  {
    name: 'version 1, beside other controllers and an empty version 2',
    groups: '9:name=systemd:/\n4:cpuset,memory:/one/two\n1:cpu:/\n0::/',
    mounts: both,
    expected: { version: 1, folder: '/sys/fs/cgroup/memory/one/two', parent: '/sys/fs/cgroup/memory/one' },
  },
  {
    name: 'version 2, a unit of systemd',
    groups: '0::/system.slice/slipway.service\n',
    mounts: v2,
    expected: { version: 2, folder: '/sys/fs/cgroup/system.slice/slipway.service', parent: '/sys/fs/cgroup/system.slice' },
  },
  { name: 'the root of what a container sees', groups: '0::/', mounts: v2, expected: { version: 2, folder: '/sys/fs/cgroup', parent: undefined } },
  {
    name: 'version 1 in a container that sees its own part under the whole path',
    groups: '4:memory:/docker/abc',
    mounts: v1.replace('0:32 /', '0:32 /docker/abc'),
    expected: { version: 1, folder: '/sys/fs/cgroup/memory', parent: undefined },
  },
  {
    name: 'a mount point with a space',
    groups: '0::/a',
    mounts: v2.replace('/sys/fs/cgroup', '/mnt/c\\040g'),
    expected: { version: 2, folder: '/mnt/c g/a', parent: '/mnt/c g' },
  },
  { name: 'nothing outside of what can be seen', groups: '0::/../elsewhere', mounts: v2, expected: undefined },
  {
    name: 'nothing where another part is mounted',
    groups: '4:memory:/docker/abc',
    mounts: v1.replace('0:32 /', '0:32 /docker/xyz'),
    expected: undefined,
  },
  { name: 'nothing where nothing is mounted', groups: '0::/', mounts: '23 1 254:0 / / rw - ext4 /dev/root rw', expected: undefined },
  { name: 'nothing in an empty list', groups: '', mounts: both, expected: undefined },
])('finds $name', ({ groups, mounts, expected }) => {
  expect(findGroupPlace(groups, mounts)).toEqual(expected);
});
