import { describe, expect, it } from 'vitest';
import { parseCpuStat, parseInactiveFile } from './cpu-group.js';
import { parseGpuUsage, readGpuUsage } from './gpu-usage.js';
import { HostRecorder, type HostSample } from './host-recorder.js';
import { parseDefaultRoutes, parseDiskstats, parseMeminfo, parseNetDev, parsePressure, parseProcStat, readHostUsage } from './host-usage.js';

// As Linux 6.18 writes them.
const stat = `cpu  3715941 386722 1039439 2481706 28172 0 47677 17683 0 0
cpu0 1823599 188953 504622 1306357 7021 0 18590 8685 0 0
cpu1 1892341 197768 534816 1175349 21151 0 29087 8998 0 0
intr 66773393 0 0
ctxt 276701656
`;
const diskstats = `   7       0 loop0 10 0 20 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 200 15 4096 120 300 40 8192 500 0 400 620 5 0 100 3 2 10
 254       1 vda1 190 15 4000 110 290 40 8000 480 0 390 590 0 0 0 0 0 0
`;
const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 172752862848 47656844    0    0    0     0          0         0 172752862848 47656844    0    0    0     0       0          0
 veth1:     100       1    0    0    0     0          0         0      200       2    0    0    0     0       0          0
  eth0: 17358407792  479292    0    0    0     0          0         0 39486699  328531    0    0    0     0       0          0
`;
const route = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;

describe('what /proc says', () => {
  it('of processors: everything but idle, waiting and stolen time', () => {
    expect(parseProcStat(stat)).toEqual({ cores: 2, cpuSeconds: (3_715_941 + 386_722 + 1_039_439 + 0 + 47_677) / 100 });
  });

  it('of memory', () => {
    expect(parseMeminfo('MemTotal:       24684084 kB\nMemFree:        22781072 kB\nMemAvailable:   23815088 kB\n')).toEqual({
      memoryBytes: (24_684_084 - 23_815_088) * 1024,
      memoryLimitBytes: 24_684_084 * 1024,
    });
  });

  it('of disks, without their parts', () => {
    expect(parseDiskstats(diskstats, (name) => name === 'vda')).toEqual({
      readOperations: 200,
      readBytes: 4096 * 512,
      writeOperations: 300,
      writtenBytes: 8192 * 512,
    });
    expect(parseDiskstats('', () => true)).toMatchObject({ readBytes: null });
  });

  it('of networks: the interfaces that lead out, else all but the loopback', () => {
    expect(parseNetDev(netDev, parseDefaultRoutes(route))).toEqual({ receivedBytes: 17_358_407_792, sentBytes: 39_486_699 });
    expect(parseNetDev(netDev, new Set())).toEqual({ receivedBytes: 17_358_407_892, sentBytes: 39_486_899 });
    expect(parseNetDev('', new Set())).toEqual({ receivedBytes: null, sentBytes: null });
  });

  it('of pressure', () => {
    const text = 'some avg10=8.76 avg60=18.87 avg300=17.26 total=18662689851\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
    expect(parsePressure(text)).toBe(18_662.689851);
    expect(parsePressure('')).toBeNull();
  });

  it('of this machine', async () => {
    const usage = await readHostUsage();
    expect(usage.cores).toBeGreaterThan(0);
    expect(usage.cpuSeconds).toBeGreaterThan(0);
    expect(usage.memoryBytes).toBeGreaterThan(0);
    expect(usage.memoryLimitBytes).toBeGreaterThan(usage.memoryBytes);
    expect(usage.reduced).toBe(process.platform !== 'linux');
    expect(await readHostUsage('darwin')).toMatchObject({ reduced: true, readBytes: null, receivedBytes: null, cpuStallSeconds: null });
  });
});

describe('what control groups say', () => {
  it.each([
    [
      'version 2',
      'usage_usec 100\nuser_usec 60\nsystem_usec 40\nnr_periods 120\nnr_throttled 30\nthrottled_usec 1500000\nnr_bursts 0\nburst_usec 0\n',
      { periods: 30, seconds: 1.5 },
    ],
    ['version 1', 'nr_periods 120\nnr_throttled 30\nthrottled_time 2500000000\nnr_bursts 0\nburst_time 0\n', { periods: 30, seconds: 2.5 }],
    ['a group without a quota', 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n', undefined],
    ['a group that counts no quota', 'usage_usec 100\nuser_usec 60\nsystem_usec 40\n', undefined],
  ])('of quotas in %s', (_, text, expected) => {
    expect(parseCpuStat(text)).toEqual(expected);
  });

  it('of memory that can be dropped', () => {
    expect(parseInactiveFile('inactive_file 5\ntotal_inactive_file 8253440\n')).toBe(8_253_440);
    expect(parseInactiveFile('anon 3\ninactive_file 5\n')).toBe(5);
    expect(parseInactiveFile('')).toBeUndefined();
  });
});

describe('what the driver of GPUs says', () => {
  const mebibyte = 1024 ** 2;
  it('of two GPUs with three processes, one of them on both', () => {
    expect(parseGpuUsage('30, 1000, 80000\n50, 3000, 80000\n', '11, 500\n12, 400\n11, 100\n')).toEqual({
      ratio: 0.4,
      memoryBytes: 4_000 * mebibyte,
      memoryLimitBytes: 160_000 * mebibyte,
      byProcess: new Map([
        [11, 600 * mebibyte],
        [12, 400 * mebibyte],
      ]),
    });
  });
  it('where a GPU is shared out and the driver tells no use', () => {
    expect(parseGpuUsage('[N/A], 1000, 80000\n', '11, [N/A]\n')).toMatchObject({ ratio: null, byProcess: new Map() });
  });
  it('where there is none', async () => {
    expect(parseGpuUsage('', '')).toBeUndefined();
    expect(await readGpuUsage('/no/such/program')).toBeUndefined();
  });
});

describe('windows of a host', () => {
  const sample = (over: Partial<HostSample> = {}): HostSample => ({
    cores: 4,
    cpuSeconds: 100,
    memoryBytes: 50,
    memoryLimitBytes: 200,
    readBytes: 0,
    writtenBytes: 0,
    readOperations: 0,
    writeOperations: 0,
    receivedBytes: 1_000,
    sentBytes: null,
    oomKills: 60,
    cpuStallSeconds: 5,
    memoryStallSeconds: null,
    ioStallSeconds: 0,
    throttledSeconds: null,
    gpu: undefined,
    reduced: false,
    ...over,
  });

  it('count what was used between samples, from the second one on', () => {
    let now = 1_700_000_000_000;
    const recorder = new HostRecorder(() => now);
    recorder.observe(sample());
    expect(recorder.takeDirty()).toEqual([]);
    now += 2_000;
    recorder.observe(sample({ cpuSeconds: 103, memoryBytes: 70, receivedBytes: 1_500, cpuStallSeconds: 5.5, throttledSeconds: 0.25 }));
    now += 2_000;
    recorder.observe(sample({ cpuSeconds: 104, memoryBytes: 60, receivedBytes: 1_500, cpuStallSeconds: 6, oomKills: 61, throttledSeconds: 0.5 }));
    const windows = recorder.takeDirty();
    expect(windows).toMatchObject([
      {
        startAtMs: 1_700_000_000_000,
        coveredSeconds: 4,
        cpuSeconds: 4,
        memoryBytes: 70,
        receivedBytes: 500,
        sentBytes: null,
        cpuStallSeconds: 1,
        memoryStallSeconds: null,
        oomKills: 1,
        throttledSeconds: 0.75,
        gpuRatio: null,
      },
    ]);
    recorder.acknowledge(windows);
    expect(recorder.takeDirty()).toEqual([]);
  });

  it('begin anew with the machine, and keep what is not written for an hour at most', () => {
    let now = 1_700_000_000_000;
    const recorder = new HostRecorder(() => now);
    recorder.observe(sample());
    now += 10_000;
    recorder.observe(sample({ cpuSeconds: 1, receivedBytes: 10 }));
    now += 10_000;
    recorder.observe(sample({ cpuSeconds: 2, receivedBytes: 30 }));
    expect(recorder.takeDirty().map(({ cpuSeconds, receivedBytes }) => [cpuSeconds, receivedBytes])).toEqual([
      [0, 0],
      [1, 20],
    ]);
    now += 3_700_000;
    recorder.observe(sample({ cpuSeconds: 3 }));
    expect(recorder.takeDirty()).toHaveLength(1);
  });
});
