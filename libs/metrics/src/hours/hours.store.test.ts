import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostWindow } from '../hosts/host-recorder.js';
import { HostSeriesStore } from '../hosts/host-series.store.js';
import { HostWindowStore } from '../hosts/host-window.store.js';
import { ResourceSeriesStore } from '../series/resource-series.store.js';
import { iso } from '../series/series-frame.js';
import { ServingSeriesStore } from '../series/serving-series.store.js';
import { latencyBucketCount } from '../windows/latency-buckets.js';
import { HourStore, hourMs, planSpan, spanPlan } from './hours.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** An hour of some hours ago. */
const hourAgo = (hours: number) => Math.floor(Date.now() / hourMs) * hourMs - hours * hourMs;

async function served(
  deployment: string,
  atMs: number,
  over: { version?: number; requests?: number; source?: string; role?: string } = {},
): Promise<void> {
  const { version = 1, requests = 10, source = 'one', role = 'stable' } = over;
  const buckets = `array_fill(0::bigint, array[${latencyBucketCount}])`;
  await database.pool.query('select telemetry.ensure_partitions($1::date, 1)', [iso(atMs).slice(0, 10)]);
  await database.pool.query(
    `insert into telemetry.serving_windows (start_at, project_id, deployment_id, revision_id, version_number, role, source, requests, "rows", outcomes,
       duration_buckets, queue_buckets, compute_buckets, request_bytes, response_bytes)
     select $1, 'p', $2, $2 || v, v, $5, $4, n, n * 2, jsonb_build_object('success', n - 1, 'runtime_error', 1), array[n] || ${buckets}, ${buckets}, ${buckets}, 1, 1
     from (select $3::integer as v, $6::bigint as n) given
     on conflict (start_at, deployment_id, revision_id, role, source)
       do update set requests = excluded.requests, outcomes = excluded.outcomes, duration_buckets = excluded.duration_buckets`,
    [iso(atMs), deployment, version, source, role, requests],
  );
}
const unsummed = async (owner: string) =>
  (await database.pool.query<{ at: Date }>('select start_at as at from telemetry.unsummed_hours where owner_id = $1 order by 1', [owner])).rows.map(
    ({ at }) => at.getTime(),
  );
const total = (deploymentId: string, fromMs: number, toMs: number, version?: number) =>
  new ServingSeriesStore(database.pool).total({ deploymentId, fromMs, toMs, version });

describe('hours of serving', () => {
  it('gives the same from hours, from windows and from both', async () => {
    const [first, second, now] = [hourAgo(5), hourAgo(4), hourAgo(0)];
    for (const at of [first, first + 10_000, second + 3_590_000, now]) {
      await served('a', at, { version: 1 });
      await served('a', at, { version: 2, requests: 7 });
      await served('a', at, { version: 3, role: 'shadow' });
    }
    const before = await total('a', first + 10_000, now + 10_000);
    expect(before).toMatchObject({ requests: 51, rows: 102, outcomes: { success: 45, runtime_error: 6 } });
    expect(before?.duration[0]).toBe(51);
    // One for each hour, however often it is written.
    expect(await unsummed('a')).toEqual([first, first, first, first, first, first, second, second, second, now]);
    expect(await new HourStore(database.pool).sum()).toBe(2);
    expect(await unsummed('a')).toEqual([now]);
    expect(await total('a', first + 10_000, now + 10_000)).toEqual(before);
    expect((await total('a', first, now))?.requests).toBe(51);
    expect((await total('a', first, now, 2))?.requests).toBe(21);
    const hours = await database.pool.query<{ requests: string }>(
      `select sum(requests) as requests from telemetry.serving_hours where deployment_id = 'a' and role <> 'shadow'`,
    );
    expect(hours.rows[0]?.requests).toBe('51');
    const frame = { fromMs: first, toMs: now + 10_000, stepSeconds: 3_600 };
    const steps = await new ServingSeriesStore(database.pool).steps({ deploymentId: 'a', frame });
    expect(steps.map(({ atMs, version, requests }) => [atMs, version, requests])).toEqual([
      [first, 1, 20],
      [first, 2, 14],
      [second, 1, 10],
      [second, 2, 7],
      [now, 1, 10],
      [now, 2, 7],
    ]);
  });

  it('counts windows that come after their hour was summed, and totals that grow', async () => {
    const hour = hourAgo(30);
    await served('b', hour);
    await new HourStore(database.pool).sum();
    expect((await total('b', hour, hour + hourMs))?.requests).toBe(10);
    await served('b', hour, { source: 'late' });
    expect((await total('b', hour, hour + hourMs))?.requests).toBe(20);
    await served('b', hour, { source: 'late', requests: 15 });
    expect((await total('b', hour, hour + hourMs))?.requests).toBe(25);
    await new HourStore(database.pool).sum();
    expect(await unsummed('b')).toEqual([]);
    expect((await total('b', hour, hour + hourMs))?.requests).toBe(25);
    // Past its retention an hour is gone with its windows.
    await new HourStore(database.pool).forget(1);
    expect((await database.pool.query(`select 1 from telemetry.serving_hours where deployment_id = 'b'`)).rowCount).toBe(0);
  });

  it('does not lose a window whose writer was under way while its hour was summed', async () => {
    const hour = hourAgo(8);
    await served('c', hour);
    const writer = await database.pool.connect();
    try {
      await writer.query('begin');
      await writer.query(
        `insert into telemetry.serving_windows select start_at + interval '10 s', project_id, deployment_id, revision_id, version_number, role, source, 5,
           "rows", outcomes, duration_buckets, queue_buckets, compute_buckets, request_bytes, response_bytes from telemetry.serving_windows where deployment_id = 'c'`,
      );
      expect(await new HourStore(database.pool).sum()).toBe(1);
      await writer.query('commit');
    } finally {
      writer.release();
    }
    expect((await total('c', hour, hour + hourMs))?.requests).toBe(15);
    await new HourStore(database.pool).sum();
    expect((await total('c', hour, hour + hourMs))?.requests).toBe(15);
  });
});

describe('hours of resources', () => {
  const used = async (instance: string, atMs: number, cpu: number, memory: number, version = 1) => {
    await database.pool.query(
      `insert into telemetry.resource_windows (start_at, project_id, deployment_id, revision_id, version_number, instance_id, host_id, covered_seconds,
         cpu_seconds, memory_bytes, memory_limit_bytes, oom_kills, reduced) values ($1, 'p', 'r', 'rev', $2, $3, 'host', 10, $4, $5, 100, 1, false)`,
      [iso(atMs), version, instance, cpu, memory],
    );
  };
  it('are what the windows say', async () => {
    const hour = Math.floor(hourAgo(6) / (2 * hourMs)) * 2 * hourMs;
    const next = hour + hourMs;
    await database.pool.query('select telemetry.ensure_partitions($1::date, 2)', [iso(hour).slice(0, 10)]);
    // Two instances at once, then one; the second hour has one window only, so it counts for a quarter.
    await used('i1', hour, 10, 100);
    await used('i2', hour, 20, 200, 2);
    await used('i1', hour + 10_000, 10, 100);
    await used('i1', hour + 20_000, 10, 100);
    await used('i1', next, 40, 500);
    const store = new ResourceSeriesStore(database.pool);
    const query = (version?: number) =>
      store.series({ deploymentId: 'r', frame: { fromMs: hour, toMs: next + hourMs, stepSeconds: 7_200 }, nowMs: Date.now(), version });
    const [windows, ofOne] = [await query(), await query(2)];
    expect(windows.total[0]).toMatchObject({
      cpuCores: (3 + 1 + 1 + 4) / 4,
      memoryBytes: (300 + 100 + 100 + 500) / 4,
      cpuSeconds: 90,
      oomKills: 5,
      instances: 2,
    });
    expect(windows.total[0]?.memoryLimitBytes).toBe((200 + 100 + 100 + 100) / 4);
    expect(windows.instances.map(({ instance }) => instance).sort()).toEqual(['i1', 'i2']);
    expect(ofOne.total[0]).toMatchObject({ cpuCores: 2, instances: 1 });
    expect(await new HourStore(database.pool).sum()).toBe(2);
    expect(await query()).toEqual(windows);
    expect(await query(2)).toEqual(ofOne);
    const hosts = new Map([['host', { name: 'here', cores: 4 }]]);
    const withHosts = await store.series({ deploymentId: 'r', frame: { fromMs: hour, toMs: next, stepSeconds: 3_600 }, nowMs: Date.now(), hosts });
    expect(withHosts.total[0]?.cpuRatio).toBeCloseTo(5 / 3 / 4, 12);
  });
});

it('sums hours of hosts to what the windows say', async () => {
  const hour = hourAgo(6);
  const store = new HostWindowStore(database.pool, 'hst_1');
  const window = (startAtMs: number, over: Partial<HostWindow>): HostWindow => ({
    startAtMs,
    coveredSeconds: 10,
    cores: 4,
    cpuSeconds: 20,
    memoryBytes: 100,
    memoryLimitBytes: 200,
    readBytes: 10,
    writtenBytes: 0,
    readOperations: 5,
    writeOperations: 0,
    receivedBytes: 1_000,
    sentBytes: null,
    oomKills: 1,
    cpuStallSeconds: 1,
    memoryStallSeconds: null,
    ioStallSeconds: 0,
    throttledSeconds: null,
    gpuRatio: null,
    gpuMemoryBytes: null,
    gpuMemoryLimitBytes: null,
    reduced: false,
    ...over,
  });
  await store.write([window(hour, {}), window(hour + 10_000, { cpuSeconds: 40, gpuRatio: 0.5 }), window(hour + hourMs, { cpuSeconds: 0 })]);
  const series = () =>
    new HostSeriesStore(database.pool).series({
      host: 'hst_1',
      name: 'box',
      frame: { fromMs: hour, toMs: hour + 2 * hourMs, stepSeconds: 3_600 },
      nowMs: Date.now(),
    });
  const fromWindows = await series();
  expect(fromWindows.points[0]).toMatchObject({
    cpuCores: 3,
    cpuRatio: 0.75,
    cpuSeconds: 60,
    oomKills: 2,
    cpuStallRatio: 0.1,
    sentBytesPerSecond: null,
    gpuRatio: 0.5,
  });
  expect(fromWindows.points[1]).toMatchObject({ cpuCores: 0, receivedBytesPerSecond: 100, gpuRatio: null });
  expect(await new HourStore(database.pool).sum()).toBe(2);
  expect((await database.pool.query('select 1 from telemetry.host_hours')).rowCount).toBe(2);
  expect(await series()).toEqual(fromWindows);
});

describe('plans', () => {
  const plan = (fromMs: number, toMs: number, unsummed: number[] = []) =>
    spanPlan({ fromMs, toMs }, { fromMs: Math.ceil(fromMs / hourMs) * hourMs, toMs: Math.floor(toMs / hourMs) * hourMs }, unsummed);

  it('reads the edges and what is not summed from windows, as few stretches', () => {
    expect(plan(hourMs / 2, 5.5 * hourMs, [2 * hourMs, 4 * hourMs])).toEqual({
      hours: { fromMs: hourMs, toMs: 5 * hourMs },
      unsummed: [2 * hourMs, 4 * hourMs],
      windows: [
        { fromMs: hourMs / 2, toMs: hourMs },
        { fromMs: 2 * hourMs, toMs: 3 * hourMs },
        { fromMs: 4 * hourMs, toMs: 5.5 * hourMs },
      ],
    });
    expect(plan(0, 3 * hourMs).windows).toEqual([]);
  });

  it('reads everything from windows when too much is not summed, or no whole hour is asked for', async () => {
    const odd = Array.from({ length: 45 }, (_, at) => (2 * at + 1) * hourMs);
    expect(plan(0, 100 * hourMs, odd).windows).toEqual([{ fromMs: 0, toMs: 100 * hourMs }]);
    expect(await planSpan(database.pool, 'serving', 'x', { fromMs: 1, toMs: hourMs })).toMatchObject({ windows: [{ fromMs: 1, toMs: hourMs }] });
  });
});
