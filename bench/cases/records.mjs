// What a month of records costs: disk, the time of every question that a chart asks, and the end of days that are past their retention. The first part
// of the records goes through the product (spool, worker, labels over HTTP), so its windows are those that the product makes; then the rows are
// multiplied in the database to show how cost grows with them.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HourStore, maintainPartitions } from '@slipway/metrics';
import { createDatabase } from '@slipway/platform';
import { exampleModels } from '../models.mjs';
import { until } from '../product.mjs';
import { connectTo, databaseUrlOf } from '../product-database.mjs';
import { quantile } from '../statistics.mjs';

const name = 'records';
const days = 28;
const dayMs = 86_400_000;
const versions = 3;
const regions = ['north', 'east', 'south', 'west'];
const multiple = 10;
const linesPerFile = 25_000;
/** Questions that were left out, each told once. */
const told = new Set();
const clients = 2;
const labelsPerRequest = 1_000;
const storedWithinMs = 1_200_000;

export async function records(bench) {
  const first = bench.isQuick ? 100_000 : 1_000_000;
  const product = await bench.product();
  const database = await connectTo(product);
  const handle = createDatabase({ url: databaseUrlOf(product), max: 4 });
  try {
    await database.query('set statement_timeout = 0');
    const deployment = await deploy(product);
    await seedCharts(database, handle.pool, deployment);
    const ids = await seedRecords(bench, product, database, deployment, first);
    const small = await measure(bench, product, database, ids);
    bench.report.say(`\n  ${first * multiple} records …`);
    await multiply(database, deployment.id);
    const large = await measure(bench, product, database, ids);
    tell(bench.report, { first, small, large });
    bench.report.figure('recordsCharts', Math.max(...Object.values(large.questions).map((latencies) => quantile(latencies, 0.95))));
    await dropDays(bench, handle.pool);
  } finally {
    await handle.close();
    await database.end();
    await product.remove(name).catch(() => undefined);
  }
}

/** A classifier in three versions, each served for a while, so that labels of all of them are judged. */
async function deploy(product) {
  const { files, task } = exampleModels('diagnosis');
  await product.addModel(name, files[0]);
  for (const file of files.slice(1, versions)) await product.addVersion(name, file);
  for (let version = 1; version <= versions; version += 1) await product.ask('PATCH', `/v1/models/${name}/versions/${version}`, { task });
  await product.deploy(name, { model: name });
  for (let version = 2; version <= versions; version += 1) {
    await product.ask('POST', `/v1/deployments/${name}/revisions`, { version });
    await until(`version ${version} to serve`, 60_000, async () => {
      const { status, revisions } = await product.ask('GET', `/v1/deployments/${name}`);
      return status === 'READY' && revisions.some((one) => one.version === version && one.weightPercent === 100);
    });
  }
  const { id, revisions } = await product.ask('GET', `/v1/deployments/${name}`);
  return { id, revisionOf: (version) => revisions.find((one) => one.version === version).id };
}

/** Serving and resources in windows of ten seconds, as a gateway and a worker write them; the hours as the product sums them. */
async function seedCharts(database, pool, { id, revisionOf }) {
  const revision = revisionOf(versions);
  for (let day = days; day >= 0; day -= 1) {
    const from = new Date(Math.floor(Date.now() / dayMs) * dayMs - day * dayMs).toISOString();
    await database.query('select telemetry.ensure_partitions($1::date, 1)', [from.slice(0, 10)]);
    const stretch = `generate_series($1::timestamptz, least($1::timestamptz + interval '1 day' - interval '10 s', now()), interval '10 s') as at`;
    await database.query(
      `insert into telemetry.serving_windows (start_at, project_id, deployment_id, revision_id, version_number, role, source, requests, "rows", outcomes,
         duration_buckets, queue_buckets, compute_buckets, decode_buckets, encode_buckets, batch_buckets, runs, run_rows, request_bytes, response_bytes)
       select at, 'prj_default', $2, $3, ${versions}, 'primary', 'seed', 10, 10, '{"ok": 9, "invalid_input": 1}',
         b, b, b, b, b, '{8,1}', 9, 9, 4000, 2000 from ${stretch}, lateral (select '{0,1,5,3,1,0,0,0,0,0,0,0,0,0,0,0}'::bigint[] as b) x`,
      [from, id, revision],
    );
    await database.query(
      `insert into telemetry.resource_windows (start_at, project_id, deployment_id, revision_id, version_number, instance_id, host_id, covered_seconds,
         cpu_seconds, memory_bytes, read_bytes, written_bytes, read_operations, write_operations, threads, open_files, reduced)
       select at, 'prj_default', $2, $3, ${versions}, 'ins_seed' || i, 'hst_seed', 10, 1.5, 90000000, 0, 40960, 0, 10, 14, 30, false
       from ${stretch}, generate_series(1, 2) i`,
      [from, id, revision],
    );
  }
  const hours = new HourStore(pool);
  while ((await hours.sum()) > 0);
}

/** Records into a spool of the product's home, labels for half of them over HTTP. @returns ids to ask for */
async function seedRecords(bench, product, database, deployment, count) {
  const folder = join(product.home, 'spool', `.seed`);
  mkdirSync(folder, { recursive: true });
  const { rows } = await database.query('select id, "versionId" as version from "Revision" where "deploymentId" = $1', [deployment.id]);
  const versionOf = new Map(rows.map(({ id, version }) => [id, version]));
  const ids = [];
  const labelled = [];
  const random = seeded(5);
  const from = Date.now() - days * dayMs;
  for (let version = 1, file = 1, made = 0; version <= versions; version += 1) {
    const revision = deployment.revisionOf(version);
    const head = JSON.stringify({ h: 1, dep: deployment.id, rev: revision, ver: versionOf.get(revision), vn: version, v: ['region'] });
    const end = Math.floor((count * version) / versions);
    while (made < end) {
      const lines = [head];
      for (; made < end && lines.length <= linesPerFile; made += 1) {
        const atMs = Math.floor(from + (made / count) * (days * dayMs - 600_000));
        const id = `prd_${idAt(atMs, random)}`;
        const score = Math.round(random() * 1000) / 1000;
        const predicted = score >= 0.5 ? 'malignant' : 'benign';
        lines.push(JSON.stringify({ id, us: 140, q: 30, p: [predicted], s: [score], v: [[regions[made % regions.length]]] }));
        if (made % 2 === 0) labelled.push({ predictionId: id, label: random() < score ? 'malignant' : 'benign' });
        if (made % 997 === 0) ids.push(id);
      }
      writeFileSync(join(folder, `${String(file).padStart(8, '0')}.ndjson`), `${lines.join('\n')}\n`);
      file += 1;
    }
  }
  bench.report.say(`  ${count} records over ${days} days, half of them labelled …`);
  const startedAt = performance.now();
  renameSync(folder, join(product.home, 'spool', 'ins_seed'));
  await bench.watched('storing', () => untilStored(database, deployment.id, count));
  bench.report.figure('recordsStored', count / ((performance.now() - startedAt) / 1000));
  await bench.watched('labelling', () => label(bench, product, labelled));
  return ids;
}

function untilStored(database, deploymentId, count) {
  return until(`${count} records to be stored`, storedWithinMs, async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { rows } = await database.query('select count(*)::integer as n from telemetry.predictions where deployment_id = $1', [deploymentId]);
    return rows[0].n >= count;
  });
}

async function label(bench, product, labels) {
  const startedAt = performance.now();
  let next = 0;
  const client = async () => {
    while (next < labels.length) {
      const some = labels.slice(next, next + labelsPerRequest);
      next += some.length;
      const { counts } = await product.ask('POST', `/v1/deployments/${name}/labels`, { labels: some });
      if (counts.matched !== some.length) throw new Error(`expected ${some.length} labels to be matched, not ${JSON.stringify(counts)}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  bench.report.figure('recordsLabelled', labels.length / ((performance.now() - startedAt) / 1000));
}

/** Every row nine times more, under ids that differ in their last characters; the counts of windows ten times as high. */
async function multiply(database, deploymentId) {
  const copies = `generate_series(1, ${multiple - 1}) as copy`;
  const other = (column) => `left(${column}, 28) || upper(to_hex(copy)) || right(${column}, 1)`;
  for (const table of ['predictions', 'labels', 'labelled_predictions']) {
    const { rows } = await database.query(
      `select column_name as name from information_schema.columns where table_schema = 'telemetry' and table_name = $1 order by ordinal_position`,
      [table],
    );
    const own = rows.map(({ name: column }) => column);
    const id = table === 'predictions' ? 'id' : 'prediction_id';
    const quoted = own.map((column) => `"${column}"`).join(', ');
    const chosen = own.map((column) => (column === id ? other(`"${column}"`) : `"${column}"`)).join(', ');
    // Day by day: a statement of its own for each part of the indexes.
    for (let day = days + 1; day >= 0; day -= 1) {
      const from = new Date(Math.floor(Date.now() / dayMs) * dayMs - day * dayMs);
      await database.query(
        `insert into telemetry.${table} (${quoted}) select ${chosen} from telemetry.${table}, ${copies} where deployment_id = $1 and at >= $2 and at < $3 on conflict do nothing`,
        [deploymentId, from, new Date(from.getTime() + dayMs)],
      );
    }
  }
  await multiplyCounts(database, deploymentId);
  await database.query('analyze telemetry.predictions, telemetry.labels, telemetry.labelled_predictions, telemetry.quality_windows');
}

async function multiplyCounts(database, deploymentId) {
  const { rows } = await database.query('select ctid::text as place, counts from telemetry.quality_windows where deployment_id = $1', [deploymentId]);
  const tenfold = (value) => {
    if (typeof value === 'number') return value * multiple;
    if (Array.isArray(value)) return value.map(tenfold);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, tenfold(each)]));
  };
  for (let at = 0; at < rows.length; at += 1_000) {
    const some = rows.slice(at, at + 1_000);
    await database.query(
      `update telemetry.quality_windows w set counts = k.counts, predicted = predicted * ${multiple}, labelled = labelled * ${multiple}, good = good * ${multiple},
         squares = squares * ${multiple}, arrivals = (select coalesce(array_agg(each * ${multiple} order by place), '{}') from unnest(arrivals) with ordinality as a(each, place))
       from unnest($1::tid[], $2::jsonb[]) as k(place, counts) where w.ctid = k.place`,
      [some.map(({ place }) => place), some.map(({ counts }) => JSON.stringify(tenfold(counts)))],
    );
  }
}

/** All questions of the console's charts and pages, several clients at a time, and what lies on disk. */
async function measure(bench, product, database, ids) {
  const rounds = bench.isQuick ? 20 : 60;
  const now = Date.now();
  const span = (fromMs, rest = '') => `from=${new Date(now - fromMs).toISOString()}&to=${new Date(now).toISOString()}${rest}`;
  const [hour, day, month] = [3_600_000, dayMs, days * dayMs];
  const chart = (noun, ms, rest) => () => ['GET', `/v1/deployments/${name}/${noun}?${span(ms, rest)}`];
  const kinds = {
    'serving, an hour': chart('serving', hour),
    'serving, a day': chart('serving', day),
    'serving, 28 days': chart('serving', month),
    'resources, a day': chart('resources', day),
    'resources, 28 days': chart('resources', month),
    'quality, an hour': chart('quality', hour),
    'quality, a day': chart('quality', day),
    'quality, 28 days': chart('quality', month),
    'quality, 28 days, a slice': chart('quality', month, '&slice=region%3Dnorth'),
    'quality, 28 days, a version': chart('quality', month, '&version=2'),
    'quality, 28 days, as CSV': chart('quality', month, '&format=csv'),
    'drift, a day': chart('drift', day),
    'drift, 28 days': chart('drift', month),
    'noise, 28 days': chart('noise', month),
    'failures, 28 days': chart('failures', month),
    'anomalies, 28 days': chart('anomalies', month),
    'objectives, 28 days': chart('slo', month),
    'estimates, 28 days': chart('estimates', month),
    'a prediction by its id': () => ['GET', `/v1/predictions/${any(ids)}`],
    'newest records': () => ['GET', `/v1/deployments/${name}/predictions?limit=50`],
    'records of a time and slice': () => {
      const to = now - Math.random() * (month - day);
      return ['GET', `/v1/deployments/${name}/predictions?limit=50&slice=region%3Dnorth&to=${new Date(to).toISOString()}`];
    },
    'wrong records of a version': () => [
      'GET',
      `/v1/deployments/${name}/predictions?limit=50&version=2&label=wrong&to=${new Date(now - 12 * dayMs).toISOString()}`,
    ],
    'records of a version that is not there': () => ['GET', `/v1/deployments/${name}/predictions?limit=50&version=9`],
    '100 labels': () => [
      'POST',
      `/v1/deployments/${name}/labels`,
      { labels: Array.from({ length: 100 }, () => ({ predictionId: any(ids), label: any(['benign', 'malignant']) })) },
    ],
  };
  const questions = {};
  for (const [what, kind] of Object.entries(kinds)) {
    if (!(await exists(product, kind()))) {
      if (!told.has(what)) bench.report.skip(what, 'the API has no such route');
      told.add(what);
      continue;
    }
    const latencies = [];
    const client = async () => {
      for (let round = 0; round < rounds / clients; round += 1) {
        const startedAt = performance.now();
        await answered(product, ...kind());
        latencies.push(performance.now() - startedAt);
      }
    };
    await bench.watched(what, () => Promise.all(Array.from({ length: clients }, client)));
    questions[what] = latencies;
  }
  return { questions, disk: await diskOf(database) };
}

async function exists(product, [method, path, body]) {
  if (method !== 'GET') return true;
  const answer = await fetch(`http://127.0.0.1:${product.port}${path}`, { headers: product.headers });
  const text = await answer.text();
  if (answer.status === 404 && !text.includes('PREDICTION_NOT_FOUND')) return false;
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return body === undefined;
}

async function answered(product, method, path, body) {
  const headers = { ...product.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const answer = await fetch(`http://127.0.0.1:${product.port}${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
}

async function diskOf(database) {
  const { rows } = await database.query(
    `select p.relname as series, sum(pg_total_relation_size(c.oid))::float8 as bytes from pg_inherits i join pg_class c on c.oid = i.inhrelid
       join pg_class p on p.oid = i.inhparent join pg_namespace n on n.oid = p.relnamespace where n.nspname = 'telemetry' group by 1
     union all select 'quality_windows', pg_total_relation_size('telemetry.quality_windows')::float8`,
  );
  return Object.fromEntries(rows.map(({ series, bytes }) => [series, bytes]));
}

/** The second half of the month goes. */
async function dropDays(bench, pool) {
  const startedAt = performance.now();
  const { dropped, busy } = await maintainPartitions(pool, { predictionsDays: days / 2, windowsDays: 400 });
  const ms = performance.now() - startedAt;
  bench.report.say(
    `  ${dropped} days of records, labels and counts dropped in ${ms.toFixed(0)} ms${busy > 0 ? `, ${busy} left because they were read` : ''}`,
  );
  if (dropped < days / 2) throw new Error(`expected at least ${days / 2} days to be dropped, not ${dropped}`);
  bench.report.figure('recordsDropped', ms / dropped);
}

function tell(report, { first, small, large }) {
  const sizes = [first, first * multiple].map((count) => (count >= 1e6 ? `${count / 1e6} M` : `${count / 1e3} k`));
  const heads = [`p50 ${sizes[0]}`, `p95 ${sizes[0]}`, `p50 ${sizes[1]}`, `p95 ${sizes[1]}`, 'p95 growth'];
  report.say(`\n  ${'question, ms'.padEnd(42)}${heads.map((head) => head.padStart(13)).join('')}`);
  for (const [what, after] of Object.entries(large.questions)) {
    const before = small.questions[what];
    const cells = [before, before, after, after].map((latencies, at) => quantile(latencies, at % 2 === 0 ? 0.5 : 0.95));
    report.say(
      `  ${what.padEnd(42)}${cells.map((ms) => ms.toFixed(1).padStart(13)).join('')}${`${(cells[3] / cells[1]).toFixed(1)} ×`.padStart(13)}`,
    );
  }
  report.say(`\n  ${'on disk, MB'.padEnd(42)}${sizes.map((size) => size.padStart(13)).join('')}`);
  for (const [series, bytes] of Object.entries(large.disk)) {
    if (bytes < 5e6) continue;
    report.say(`  ${series.padEnd(42)}${[small.disk[series] ?? 0, bytes].map((each) => (each / 1e6).toFixed(0).padStart(13)).join('')}`);
  }
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** A ULID of a time, from numbers that are the same in every run. */
function idAt(atMs, random) {
  let time = '';
  for (let left = atMs, at = 0; at < 10; at += 1, left = Math.floor(left / 32)) time = alphabet[left % 32] + time;
  return time + Array.from({ length: 16 }, () => alphabet[Math.floor(random() * 32)]).join('');
}

/** Uniform in [0, 1): mulberry32. */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function any(list) {
  return list[Math.floor(Math.random() * list.length)];
}
