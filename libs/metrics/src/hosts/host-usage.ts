import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';

/** What the operating system says of the whole machine. Counters since it started; null where the system does not tell. */
export interface HostUsage {
  readonly cores: number;
  /** Time that processors were busy, over all of them. */
  readonly cpuSeconds: number;
  /** Memory that could not be had at once. */
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  /** Of all disks. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly readOperations: number | null;
  readonly writeOperations: number | null;
  /** Over all network interfaces that lead out. */
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
  /** Processes ended for want of memory. */
  readonly oomKills: number | null;
  /** Time in which something stood still for want of it. */
  readonly cpuStallSeconds: number | null;
  readonly memoryStallSeconds: number | null;
  readonly ioStallSeconds: number | null;
  /** True where the system gives less than /proc does. */
  readonly reduced: boolean;
}

/** Clock ticks per second as user space sees them: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
/** The unit of /proc/diskstats, whatever the disk's own. */
const sectorBytes = 512;

/**
 * Usage of this machine, with everything that runs on it.
 * @throws when /proc cannot be read on Linux.
 */
export function readHostUsage(platform: NodeJS.Platform = process.platform): Promise<HostUsage> {
  return platform === 'linux' ? readLinux() : Promise.resolve(readElsewhere());
}

async function readLinux(): Promise<HostUsage> {
  const text = (path: string) => readFile(path, 'utf8').catch(() => '');
  const [stat, memory, disks, network, events, cpuPressure, memoryPressure, ioPressure] = await Promise.all([
    readFile('/proc/stat', 'utf8'),
    readFile('/proc/meminfo', 'utf8'),
    text('/proc/diskstats'),
    text('/proc/net/dev'),
    text('/proc/vmstat'),
    text('/proc/pressure/cpu'),
    text('/proc/pressure/memory'),
    text('/proc/pressure/io'),
  ]);
  return {
    ...parseProcStat(stat),
    ...parseMeminfo(memory),
    ...parseDiskstats(disks, isWholeDisk),
    ...parseNetDev(network, await leadingOut()),
    oomKills: numberAfter(events, /^oom_kill (\d+)$/m),
    cpuStallSeconds: parsePressure(cpuPressure),
    memoryStallSeconds: parsePressure(memoryPressure),
    ioStallSeconds: parsePressure(ioPressure),
    reduced: false,
  };
}

/** Busy time is all but idle and waiting for disks (proc_stat(5)). */
export function parseProcStat(text: string): Pick<HostUsage, 'cores' | 'cpuSeconds'> {
  const cores = text.match(/^cpu\d+ /gm)?.length ?? 0;
  // What follows these was stolen by other machines on the same hardware, or is in user time already.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(text)?.[1] ?? '').split(' ').map(Number);
  return { cores, cpuSeconds: (user + nice + system + irq + softirq) / ticksPerSecond };
}

export function parseMeminfo(text: string): Pick<HostUsage, 'memoryBytes' | 'memoryLimitBytes'> {
  const kibibytes = (name: string) => (numberAfter(text, new RegExp(`^${name}: +(\\d+) kB$`, 'm')) ?? 0) * 1024;
  const limit = kibibytes('MemTotal');
  return { memoryBytes: Math.max(0, limit - kibibytes('MemAvailable')), memoryLimitBytes: limit };
}

/** Fields 4, 6, 8 and 10 (Documentation/admin-guide/iostats.rst), over the disks that are chosen: partitions would count twice. */
export function parseDiskstats(
  text: string,
  isCounted: (name: string) => boolean,
): Pick<HostUsage, 'readBytes' | 'writtenBytes' | 'readOperations' | 'writeOperations'> {
  if (text === '') return { readBytes: null, writtenBytes: null, readOperations: null, writeOperations: null };
  const sums = { readBytes: 0, writtenBytes: 0, readOperations: 0, writeOperations: 0 };
  for (const line of text.split('\n')) {
    const [, , name = '', reads, , sectorsRead, , writes, , sectorsWritten] = line.trim().split(/\s+/);
    if (name === '' || !isCounted(name)) continue;
    sums.readOperations += Number(reads);
    sums.readBytes += Number(sectorsRead) * sectorBytes;
    sums.writeOperations += Number(writes);
    sums.writtenBytes += Number(sectorsWritten) * sectorBytes;
  }
  return sums;
}

/** @param chosen names of the interfaces that count; all but the loopback one when there are none. */
export function parseNetDev(text: string, chosen: ReadonlySet<string>): Pick<HostUsage, 'receivedBytes' | 'sentBytes'> {
  if (text === '') return { receivedBytes: null, sentBytes: null };
  let [receivedBytes, sentBytes] = [0, 0];
  for (const line of text.split('\n').slice(2)) {
    const [name = '', values = ''] = line.trim().split(/:\s*/);
    if (name === '' || name === 'lo' || (chosen.size > 0 && !chosen.has(name))) continue;
    const fields = values.split(/\s+/).map(Number);
    receivedBytes += fields[0] ?? 0;
    sentBytes += fields[8] ?? 0;
  }
  return { receivedBytes, sentBytes };
}

/** Seconds of `some … total=` in a file of /proc/pressure (Documentation/accounting/psi.rst); null where it is not counted. */
export function parsePressure(text: string): number | null {
  const micros = numberAfter(text, /^some .*total=(\d+)$/m);
  return micros === null ? null : micros / 1e6;
}

function numberAfter(text: string, pattern: RegExp): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** A disk of its own, not a part of one or something made of memory or files. */
function isWholeDisk(name: string): boolean {
  return existsSync(`/sys/block/${name.replaceAll('/', '!')}/device`);
}

/** Interfaces with the default routes: bridges, tunnels and the ends of containers would count the same bytes again. */
async function leadingOut(): Promise<ReadonlySet<string>> {
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
  return parseDefaultRoutes(routes);
}

/** Names of the interfaces in /proc/net/route whose destination is everything. */
export function parseDefaultRoutes(text: string): ReadonlySet<string> {
  const rows = text.split('\n').slice(1);
  return new Set(rows.map((row) => row.trim().split(/\s+/)).flatMap(([name = '', destination]) => (destination === '00000000' ? [name] : [])));
}

function readElsewhere(): HostUsage {
  const all = cpus();
  const busyMs = all.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const limit = totalmem();
  return {
    cores: all.length,
    cpuSeconds: busyMs / 1000,
    memoryBytes: limit - freemem(),
    memoryLimitBytes: limit,
    readBytes: null,
    writtenBytes: null,
    readOperations: null,
    writeOperations: null,
    receivedBytes: null,
    sentBytes: null,
    oomKills: null,
    cpuStallSeconds: null,
    memoryStallSeconds: null,
    ioStallSeconds: null,
    reduced: true,
  };
}
