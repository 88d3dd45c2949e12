// How long lists of a large registry take: 5 000 models with ten versions and three aliases each, asked for through /v1 like anybody does.
import { connectTo } from '../product-database.mjs';
import { quantile } from '../statistics.mjs';

const models = 5_000;
const versions = 10;
const clients = 4;
/** The largest page there is. */
const page = 200;

export async function registry(bench) {
  const product = await bench.product();
  const database = await connectTo(product);
  try {
    await seed(database);
    const seen = await lists(bench, product);
    for (const [what, latencies] of Object.entries(seen)) {
      const [p50, p95] = [0.5, 0.95].map((share) => quantile(latencies, share).toFixed(1));
      bench.report.say(`  ${what.padEnd(40)} p50 ${p50.padStart(7)} ms   p95 ${p95.padStart(7)} ms   of ${latencies.length}`);
    }
    bench.report.figure('registryLists', Math.max(...Object.values(seen).map((latencies) => quantile(latencies, 0.95))));
  } finally {
    await removeSeed(database);
    await database.end();
  }
}

/** Every kind of list, several clients at a time; each answer is checked for what it must hold. */
async function lists(bench, product) {
  const rounds = bench.isQuick ? 40 : 200;
  const cursors = await walk(product);
  const kinds = {
    'by name, a page anywhere': () => ({ query: `limit=${page}${any(cursors)}`, rows: undefined }),
    'by name, fifty': () => ({ query: 'limit=50', rows: 50 }),
    'newest first': () => ({ query: `limit=${page}&sort=-createdAt`, rows: page }),
    'search that finds many': () => ({ query: `limit=${page}&search=seeded`, rows: page }),
    'search that finds one': () => ({ query: `limit=${page}&search=${nameOf(1 + Math.floor(Math.random() * models))}`, rows: 1 }),
    'search that finds none': () => ({ query: `limit=${page}&search=nothing-has-this`, rows: 0 }),
    'a tag that half have': () => ({ query: `limit=${page}&tag=stage:live`, rows: page }),
  };
  const seen = {};
  for (const [what, kind] of Object.entries(kinds)) {
    const latencies = [];
    const client = async () => {
      for (let round = 0; round < rounds / clients; round += 1) {
        const { query, rows } = kind();
        const startedAt = performance.now();
        const { items } = await product.ask('GET', `/v1/models?${query}`);
        latencies.push(performance.now() - startedAt);
        if (rows !== undefined && items.length !== rows) throw new Error(`${what}: expected ${rows} models, given ${items.length}`);
        if (items.some((model) => model.name.startsWith('seeded-') && (model.versionCount !== versions || model.aliases.length !== 3)))
          throw new Error(`${what}: a model without its versions or aliases`);
      }
    };
    await bench.watched(what, () => Promise.all(Array.from({ length: clients }, client)));
    seen[what] = latencies;
  }
  return seen;
}

/** All pages once, which must show every model once. @returns their cursors as parts of a query */
async function walk(product) {
  const cursors = [''];
  const names = new Set();
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await product.ask('GET', `/v1/models?limit=${page}${cursor}`);
    for (const { name } of items) names.add(name);
    if (nextCursor === undefined) break;
    cursor = `&cursor=${nextCursor}`;
    cursors.push(cursor);
  }
  const found = [...names].filter((name) => name.startsWith('seeded-')).length;
  if (found !== models) throw new Error(`expected ${models} models on all pages, given ${found}`);
  return cursors;
}

async function seed(database) {
  await removeSeed(database);
  await database.query(
    `insert into "Model" ("id", "projectId", "name", "nameFolded", "description", "tags", "nextVersion", "createdAt")
     select 'mdl_seeded' || n, p."id", 'seeded-' || lpad(n::text, 5, '0'), 'seeded-' || lpad(n::text, 5, '0'), repeat('What it is for. ', 10),
       jsonb_build_object('team', 'team-' || n % 20, 'stage', case n % 2 when 0 then 'live' else 'test' end), $2::int + 1, now() - n * interval '1 minute'
     from generate_series(1, $1::int) n, "Project" p where p."name" = 'default'`,
    [models, versions],
  );
  const tensor = JSON.stringify(Array.from({ length: 30 }, (_, index) => ({ name: `feature_${index}`, datatype: 'FP32', shape: [-1, 1] })));
  await database.query(
    `insert into "Version" ("id", "modelId", "number", "status", "digest", "sizeBytes", "signature", "createdBy")
     select 'ver_seeded' || n || '_' || v, 'mdl_seeded' || n, v, 'READY', encode(sha256((n || '.' || v)::bytea), 'hex'), 1000,
       jsonb_build_object('inputs', $3::jsonb, 'outputs', '[]'::jsonb), 'key:bench'
     from generate_series(1, $1::int) n, generate_series(1, $2::int) v`,
    [models, versions, tensor],
  );
  await database.query(
    `insert into "Alias" ("modelId", "name", "versionId", "updatedBy")
     select 'mdl_seeded' || n, 'alias-' || v, 'ver_seeded' || n || '_' || v, 'key:bench' from generate_series(1, $1::int) n, generate_series(1, 3) v`,
    [models],
  );
  await database.query('analyze "Model", "Version", "Alias"');
}

/** Later cases find the registry as it was. */
async function removeSeed(database) {
  await database.query(`delete from "Alias" where "modelId" like 'mdl\\_seeded%'`);
  await database.query(`delete from "Version" where "modelId" like 'mdl\\_seeded%'`);
  await database.query(`delete from "Model" where "id" like 'mdl\\_seeded%'`);
}

function nameOf(number) {
  return `seeded-${String(number).padStart(5, '0')}`;
}

function any(list) {
  return list[Math.floor(Math.random() * list.length)];
}
