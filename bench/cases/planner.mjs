// The planner at its size: 1 000 deployments on 50 hosts, from rows that are written here with a fixed seed. No product runs; a database does.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstancePlanStore, planInstances } from '@slipway/deployments';
import { createDatabase, migrate, startEmbeddedPostgres } from '@slipway/platform';
import { spread } from '../statistics.mjs';

const deployments = 1_000;
const hosts = 50;
const revisionsEach = 4;
const GiB = 1024 ** 3;

export async function planner(bench) {
  const passes = bench.isQuick ? 5 : 30;
  const home = mkdtempSync(join(tmpdir(), 'slipway-bench-planner-'));
  const postgres = await startEmbeddedPostgres({ home, database: 'planner' });
  const handle = createDatabase({ url: postgres.url, max: 4 });
  try {
    await migrate(postgres.url);
    await seed(handle.pool);
    const store = new InstancePlanStore(handle.prisma);
    await beat(handle.pool);
    const first = await timed(() => store.planOnce());
    bench.report.say(`  the first pass placed ${first.result.started} instances in ${first.ms.toFixed(0)} ms`);
    if (first.result.started < deployments) throw new Error(`expected an instance of every deployment, not ${first.result.started}`);
    await handle.pool.query(`update "Instance" set "status" = 'READY', "address" = 'unix:/x', "pid" = 1, "readyAt" = now()`);
    bench.report.figure('plannerFirst', first.ms);

    const calm = [];
    for (let pass = 0; pass < passes; pass += 1) calm.push(await passOf(handle.pool, store, { started: 0, stopped: 0 }));
    bench.report.figure('plannerCalm', worst(calm));

    const busy = [];
    for (let pass = 0; pass < passes; pass += 1) {
      // A host falls silent in each round: all that was on it is placed elsewhere.
      const silent = `hst_${String(pass % hosts).padStart(3, '0')}`;
      busy.push(await passOf(handle.pool, store, undefined, silent));
      await handle.pool.query(`update "Instance" set "status" = 'READY', "address" = 'unix:/x' where "status" = 'ASSIGNED'`);
      await beat(handle.pool, silent);
      await store.planOnce();
      await handle.pool.query(`update "Instance" set "status" = 'GONE' where "wish" = 'STOP'`);
    }
    bench.report.figure('plannerBusy', worst(busy));

    const { states, hosts: rows, now } = await store.read();
    const pure = [];
    for (let pass = 0; pass < passes; pass += 1) pure.push((await timed(() => planInstances(states, rows, now))).ms);
    bench.report.figure('plannerPure', worst(pure));
  } finally {
    await handle.close();
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** All hosts are there, but for one that has been silent for long. */
function beat(pool, silent = '') {
  return pool.query(`update "Host" set "lastSeenAt" = clock_timestamp() - (case when "id" = $1 then interval '1 minute' else interval '0' end)`, [
    silent,
  ]);
}

async function passOf(pool, store, expected, silent) {
  await beat(pool, silent);
  const { ms, result } = await timed(() => store.planOnce());
  if (result.kind !== 'planned') throw new Error('another planner was at it');
  for (const [key, value] of Object.entries(expected ?? {})) {
    if (result[key] !== value) throw new Error(`expected a pass with ${key} = ${value}, not ${JSON.stringify(result)}`);
  }
  if (silent !== undefined && result.started === 0) throw new Error(`expected the instances of ${silent} to be placed elsewhere`);
  return ms;
}

async function timed(work) {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
}

/** The bar is for each pass, so the slowest one counts. */
function worst(times) {
  const { min, max } = spread(times);
  return { median: max, min, max };
}

/** Seeded: the same rows in every run (Park and Miller's generator). */
async function seed(pool) {
  let state = 20_261_122;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const pick = (values) => values[Math.floor(random() * values.length)];
  const rows = { hosts: [], models: [], versions: [], deployments: [], revisions: [], rollouts: [] };
  for (let h = 0; h < hosts; h += 1) {
    const id = `hst_${String(h).padStart(3, '0')}`;
    rows.hosts.push({ id, name: id, cores: pick([8, 16, 32]), memoryBytes: pick([64, 128, 256]) * GiB, labels: { zone: pick(['a', 'b', 'c']) } });
  }
  for (let d = 0; d < deployments; d += 1) {
    const n = String(d).padStart(4, '0');
    const modelId = `mdl_${n}`;
    rows.models.push({ id: modelId, projectId: 'prj_default', name: `m${n}`, nameFolded: `m${n}`, nextVersion: revisionsEach + 1 });
    const footprint = { rssBytes: Math.round((0.15 + random()) * GiB), runMs: random() * 10 };
    for (let r = 1; r <= revisionsEach; r += 1) {
      const versionId = `ver_${n}_${r}`;
      const digest = `${n}${r}`.padStart(64, '0');
      rows.versions.push({ id: versionId, modelId, number: r, status: 'READY', digest, sizeBytes: 1_000_000, footprint, createdBy: 'bench' });
      const spec = random() < 0.1 ? { hostLabels: { zone: pick(['a', 'b', 'c']) } } : {};
      const retiredAt = r === revisionsEach ? null : new Date(Date.now() - (revisionsEach - r) * 3_600_000).toISOString();
      const replicas = pick([1, 1, 1, 2, 3]);
      const activatedAt = '2026-01-01T00:00:00Z';
      rows.revisions.push({
        id: `rev_${n}_${r}`,
        deploymentId: `dep_${n}`,
        number: r,
        versionId,
        replicas,
        spec,
        createdBy: 'bench',
        retiredAt,
        activatedAt,
      });
    }
    const active = `rev_${n}_${revisionsEach}`;
    const names = { name: `d${n}`, nameFolded: `d${n}`, modelId, createdBy: 'bench', nextRevision: revisionsEach + 1 };
    rows.deployments.push({
      id: `dep_${n}`,
      projectId: 'prj_default',
      ...names,
      desiredRevisionId: active,
      activeRevisionId: active,
      status: 'READY',
    });
    const rollout = { strategy: 'all-at-once', plan: {}, createdBy: 'bench', status: 'COMPLETED', phase: 'promoting' };
    for (let r = 2; r <= revisionsEach; r += 1) {
      const startedAt = new Date(Date.now() - (revisionsEach - r + 1) * 3_600_000).toISOString();
      const way = { fromRevisionId: `rev_${n}_${r - 1}`, toRevisionId: `rev_${n}_${r}` };
      rows.rollouts.push({ id: `rol_${n}_${r}`, deploymentId: `dep_${n}`, epoch: 1, ...way, ...rollout, startedAt });
    }
  }
  const tables = {
    Host: rows.hosts,
    Model: rows.models,
    Version: rows.versions,
    Deployment: rows.deployments,
    Revision: rows.revisions,
    Rollout: rows.rollouts,
  };
  for (const [table, values] of Object.entries(tables)) {
    const columns = Object.keys(values[0])
      .map((name) => `"${name}"`)
      .join(', ');
    await pool.query(`insert into "${table}" (${columns}) select ${columns} from jsonb_populate_recordset(null::"${table}", $1::jsonb)`, [
      JSON.stringify(values),
    ]);
  }
  await pool.query('analyze');
}
