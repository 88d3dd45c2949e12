// What the profile of a model costs in a year, by filling one: 30 numbers and 10 categories of 100 values at 1 000 rows a second, from two instances,
// through the store and its roll-up as the worker calls them, day by day. Then any window of it is read. No product runs; a database does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bareLayout, freezeLayout, mergeProfiles, ProfileCounter, ProfileWindowStore } from '@slipway/metrics';
import { createDatabase, migrate, startEmbeddedPostgres } from '@slipway/platform';
import { quantile } from '../statistics.mjs';

const numbers = 30;
const texts = 10;
const categories = 100;
const instances = 2;
/** Rows that are really counted for one instance's hour, and how many times as many there are said to be. */
const countedRows = 1_000;
const scale = 1_800;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Different hours that come again and again. */
const kinds = 16;

export async function profileYear(bench) {
  const days = bench.isQuick ? 75 : 365;
  const home = mkdtempSync(join(tmpdir(), 'slipway-bench-profile-'));
  const postgres = await startEmbeddedPostgres({ home, database: 'profiles' });
  const handle = createDatabase({ url: postgres.url, max: 4 });
  try {
    await migrate(postgres.url);
    const store = new ProfileWindowStore(handle.pool);
    const end = Math.floor(Date.now() / dayMs) * dayMs;
    const { layout, profiles, nanosPerValue } = countHours();
    bench.report.say(`  counting takes ${nanosPerValue.toFixed(1)} ns per row and column (${layout.columns.length} columns)`);
    await store.keepLayout(layout);
    const startedAt = performance.now();
    for (let day = days; day > 0; day -= 1) await fillDay(handle.pool, store, end - day * dayMs, profiles);
    await handle.pool.query('vacuum analyze telemetry.profile_windows');
    bench.report.say(`  ${days} days were filled in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    const size = await sizeOf(handle.pool, days);
    bench.report.say(
      `  ${size.hours} hours and ${size.days} days: ${(size.bytes / 1e6).toFixed(1)} MB, in the tables ${(size.held / 1e6).toFixed(1)} MB`,
    );
    bench.report.figure('profileYear', size.year / 1e6);
    await expectWhole(store, end, days, profiles);
    bench.report.figure('profileWindow', await readWindows(bench, store, end, days));
  } finally {
    await handle.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Some hours, counted by the code that instances count with; and what that takes. */
function countHours() {
  const signature = {
    inputs: [
      { name: 'features', datatype: 'FP32', shape: [-1, numbers] },
      { name: 'texts', datatype: 'BYTES', shape: [-1, texts] },
    ],
    outputs: [],
  };
  const sample = (column) =>
    column.kind === 'numeric'
      ? Float64Array.from({ length: 5_000 }, () => Math.fround(normal()))
      : Array.from({ length: 5_000 }, (_, row) => `category ${row % categories}`);
  const layout = freezeLayout(bareLayout(signature, undefined), sample);
  let nanos = 0;
  const profiles = Array.from({ length: kinds }, () => {
    const counter = new ProfileCounter(layout, signature, undefined);
    const rows = Array.from({ length: countedRows }, () => [
      { name: 'features', datatype: 'FP32', shape: [1, numbers], data: Float32Array.from({ length: numbers }, normal) },
      {
        name: 'texts',
        datatype: 'BYTES',
        shape: [1, texts],
        data: Array.from({ length: texts }, () => `category ${Math.floor(Math.random() * (categories + 2))}`),
      },
    ]);
    const startedAt = process.cpuUsage();
    for (const inputs of rows) counter.add(inputs, []);
    const profile = counter.toProfile();
    const { user, system } = process.cpuUsage(startedAt);
    nanos = ((user + system) * 1e3) / countedRows / (numbers + texts);
    return profile;
  });
  return { layout, profiles, nanosPerValue: nanos };
}

/** An hour of one instance; the last bytes differ from hour to hour. */
function hourOf(profiles, startMs, instance) {
  const hour = Math.floor(startMs / hourMs);
  return scaled(profiles[(hour + 7 * instance) % kinds], scale + (hour % 97));
}

function scaled({ layout, rows, columns }, by) {
  const times = ({ n, missing, infinite, zeros, m2, bins, ...rest }) => ({
    ...rest,
    ...{ n: n * by, missing: missing * by, infinite: infinite * by, zeros: zeros * by, m2: m2 * by, bins: bins.map((count) => count * by) },
  });
  return { layout, rows: rows * by, columns: columns.map(times) };
}

async function fillDay(pool, store, fromMs, profiles) {
  const totals = [];
  for (let hour = 0; hour < 24; hour += 1) {
    for (let instance = 0; instance < instances; instance += 1) {
      const startMs = fromMs + hour * hourMs;
      const profile = hourOf(profiles, startMs, instance);
      const owner = { deploymentId: 'dep_year', versionId: 'ver_01JABCDEFGHJKMNPQRSTVWXYZ0', versionNumber: 1, startMs };
      totals.push({ ...owner, source: `ins_01JABCDEFGHJKMNPQRSTVWXYZ${instance}.k8x1a2b3_4d2.${hour}`, isClosed: true, profile });
    }
  }
  const nowMs = fromMs + dayMs;
  // As the worker does it, a running hour is replaced; here twice instead of every few seconds.
  await store.write(
    totals.map((each) => ({ ...each, isClosed: false, profile: scaled(each.profile, 0) })),
    nowMs,
  );
  await store.write(totals, nowMs);
  await store.rollUp(nowMs + 8 * hourMs);
  // The server's own vacuum comes many times a day; this is a day in a moment.
  await pool.query('vacuum telemetry.profile_windows');
}

/** Bytes of the year: as it is, or, of a shorter time, with the days that lack. */
async function sizeOf(pool, days) {
  const { rows } = await pool.query(`
    select pg_total_relation_size('telemetry.profile_windows')::float8 + pg_total_relation_size('telemetry.profile_layouts')::float8 as held,
      count(*) filter (where span_seconds = 3600 and not is_merged)::integer as hours, count(*) filter (where span_seconds = 86400)::integer as days,
      sum(length(body))::float8 as bytes, coalesce(avg(pg_column_size(w.*)) filter (where span_seconds = 86400), 0)::float8 as day_bytes
    from telemetry.profile_windows w`);
  const [{ held, hours, days: found, bytes, day_bytes }] = rows;
  return { held, hours, days: found, bytes, year: held + Math.max(0, 365 - days) * 1.2 * day_bytes };
}

/** Nothing was lost or counted twice on the way. */
async function expectWhole(store, end, days, profiles) {
  const window = await store.window({ deploymentId: 'dep_year', version: 1, fromMs: end - days * dayMs, toMs: end });
  const all = [];
  for (let hour = 0; hour < days * 24; hour += 1)
    for (let instance = 0; instance < instances; instance += 1) all.push(hourOf(profiles, end - (hour + 1) * hourMs, instance));
  const wanted = mergeProfiles(all);
  const isSame = wanted.columns.every(({ bins }, index) => bins.every((count, bin) => count === window?.profile.columns[index].bins[bin]));
  if (window?.profile.rows !== wanted.rows || !isSame) throw new Error(`expected ${wanted.rows} rows in their bins, found ${window?.profile.rows}`);
}

/** p95 of the slowest length of window, in ms. */
async function readWindows(bench, store, end, days) {
  const rounds = bench.isQuick ? 20 : 60;
  const p95s = [];
  for (const [what, length] of Object.entries({ 'an hour': hourMs, 'a day': dayMs, 'a week': 7 * dayMs, 'a month': 30 * dayMs, all: days * dayMs })) {
    const latencies = [];
    await bench.watched(what, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const fromMs = end - length - Math.floor((Math.random() * (days * dayMs - length)) / hourMs) * hourMs;
        const startedAt = performance.now();
        const window = await store.window({ deploymentId: 'dep_year', version: 1, fromMs, toMs: fromMs + length });
        latencies.push(performance.now() - startedAt);
        if (!(window?.profile.rows > 0)) throw new Error(`a window of ${what} is empty`);
      }
    });
    const [p50, p95] = [0.5, 0.95].map((share) => quantile(latencies, share));
    p95s.push(p95);
    bench.report.say(`  window of ${what.padEnd(10)} p50 ${p50.toFixed(1).padStart(7)} ms   p95 ${p95.toFixed(1).padStart(7)} ms   of ${rounds}`);
  }
  return Math.max(...p95s);
}

/** By Box and Muller. */
function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
