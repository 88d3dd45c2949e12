import { dirname, join } from 'node:path';

/** Where this process stands in the system's tree of control groups, as far as one controller goes (cgroups(7)). */
export interface GroupPlace {
  readonly version: 1 | 2;
  /** The folder of the group that this process is in. */
  readonly folder: string;
  /** The folder above it, as far as this process can see it. */
  readonly parent: string | undefined;
}

/**
 * Finds the group of a process that counts its memory, or another controller's.
 * @param groups its /proc/<pid>/cgroup
 * @param mounts its /proc/<pid>/mountinfo
 * @returns undefined where groups cannot be seen, or do not count that.
 */
export function findGroupPlace(groups: string, mounts: string, controller: 'memory' | 'cpu' = 'memory'): GroupPlace | undefined {
  const lines = groups.trim().split('\n').map(parseGroup);
  const first = lines.find(({ controllers }) => controllers.includes(controller));
  // Both versions may be mounted; it is then counted by the one that lists it.
  if (first !== undefined) return placeOf(1, first.path, mounts, (type, options) => type === 'cgroup' && options.includes(controller));
  const second = lines.find(({ hierarchy }) => hierarchy === '0');
  return second === undefined ? undefined : placeOf(2, second.path, mounts, (type) => type === 'cgroup2');
}

function parseGroup(line: string): { hierarchy: string; controllers: readonly string[]; path: string } {
  const [hierarchy = '', controllers = '', ...path] = line.split(':');
  return { hierarchy, controllers: controllers.split(','), path: path.join(':') };
}

function placeOf(
  version: GroupPlace['version'],
  path: string,
  mounts: string,
  isOurs: (type: string, options: readonly string[]) => boolean,
): GroupPlace | undefined {
  for (const line of mounts.split('\n')) {
    // proc_pid_mountinfo(5): id parent device root mount-point options… - type source super-options
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', mountPoint = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (!isOurs(type, options.split(','))) continue;
    const inside = within(unquote(root), path);
    if (inside === undefined) continue;
    const top = unquote(mountPoint);
    return inside === '/' ? { version, folder: top, parent: undefined } : { version, folder: join(top, inside), parent: dirname(join(top, inside)) };
  }
  return undefined;
}

/** A path below a root, from there; undefined when it is elsewhere. */
function within(root: string, path: string): string | undefined {
  if (path.startsWith('/..')) return undefined;
  if (root === '/') return path;
  if (path !== root && !path.startsWith(`${root}/`)) return undefined;
  return path.slice(root.length) || '/';
}

/** Spaces and the like are written as octal numbers there. */
function unquote(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
