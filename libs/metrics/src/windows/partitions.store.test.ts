import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { daysOf, maintainPartitions, withPartitions } from './partitions.store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase({ max: 5 });
});
afterAll(() => database.close());

async function daysLike(pattern: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'telemetry' and relkind = 'r' and relname like $1 order by 1`,
    [pattern],
  );
  return rows.map(({ name }) => name);
}
const makeDay = (day: string) => database.pool.query('select telemetry.ensure_partitions($1::date, 1)', [day]);

it('makes partitions ahead and drops those past retention, and nothing else', async () => {
  await makeDay('2020-01-01');
  await maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 4000 });
  const kept = await daysLike('%20200101');
  expect(kept).toEqual(expect.arrayContaining(['resource_windows_20200101', 'serving_windows_20200101']));
  expect(kept).not.toContain('predictions_20200101');
  const again = await maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 });
  expect(again).toEqual({ made: 0, dropped: expect.any(Number), busy: 0, evidence: 0 });
  expect(again.dropped).toBeGreaterThanOrEqual(2);
  expect(await daysLike('%20200101')).toEqual([]);
});

it('leaves a day that somebody reads for the next time, and keeps writers of today waiting only a moment', async () => {
  await makeDay('2020-02-01');
  const reader = await database.pool.connect();
  try {
    await reader.query('begin');
    await reader.query(`select count(*) from telemetry.predictions where at < '2020-03-01'`);
    const startedAt = performance.now();
    const round = maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 });
    await database.pool.query(`select count(*) from telemetry.predictions where at > now()`);
    expect((await round).busy).toBeGreaterThanOrEqual(1);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await daysLike('predictions_20200201')).toHaveLength(1);
  } finally {
    await reader.query('rollback');
    reader.release();
  }
  expect((await maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 })).busy).toBe(0);
  expect(await daysLike('predictions_20200201')).toEqual([]);
});

it('drops days that two workers drop at a time', async () => {
  for (const day of ['2020-04-01', '2020-04-02', '2020-04-03']) await makeDay(day);
  const rounds = await Promise.all([1, 2].map(() => maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 })));
  const last = await maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 });
  expect([...rounds, last].at(-1)?.busy).toBe(0);
  expect(await daysLike('%202004__')).toEqual([]);
});

it('gives up evidence that has not changed for as long as windows are kept, in stretches', async () => {
  await database.pool.query(
    `insert into telemetry.rollout_evidence (subject_id, stage, source, evidence, updated_at)
     select 'rol_' || n, 0, 'gateway', '{}', now() - make_interval(days => case when n <= 2500 then 401 else 399 end) from generate_series(1, 2510) n`,
  );
  const { evidence } = await maintainPartitions(database.pool, { predictionsDays: 30, windowsDays: 400 });
  expect(evidence).toBe(2500);
  const { rows } = await database.pool.query('select count(*)::integer as n from telemetry.rollout_evidence');
  expect(rows[0].n).toBe(10);
});

it('names the days of some times, each once, and makes them when an insert finds none', async () => {
  expect(daysOf([Date.parse('2021-01-02T00:00:00Z'), Date.parse('2021-01-01T23:59:59.999Z'), Date.parse('2021-01-02T12:00:00Z')])).toEqual([
    '2021-01-01',
    '2021-01-02',
  ]);
  const at = Date.parse('2021-01-01T12:00:00Z');
  const insert = () =>
    database.pool.query(
      `insert into telemetry.labels (at, prediction_id, "row", project_id, deployment_id, label) values (to_timestamp($1::float8 / 1000), 'prd_1', 0, 'p', 'd', 'x')`,
      [at],
    );
  await withPartitions(database.pool, [at], insert);
  expect(await daysLike('labels_20210101')).toHaveLength(1);
  await expect(withPartitions(database.pool, [at], insert)).rejects.toThrow(/duplicate/);
});
