import { afterAll, expect, it } from 'vitest';
import { administer, type TestDatabase, testDatabase, withDatabase } from './test-database.js';

const open: TestDatabase[] = [];
afterAll(() => Promise.all(open.map((database) => database.close())));

async function opened(): Promise<TestDatabase> {
  const database = await testDatabase();
  open.push(database);
  return database;
}

it('gives each caller a migrated database of its own', async () => {
  const [one, other] = await Promise.all([opened(), opened()]);
  expect(one.url).not.toBe(other.url);
  const before = await one.db.project.count();
  await one.db.project.create({ data: { id: 'prj_test', name: 'test' } });
  expect(await one.db.project.count()).toBe(before + 1);
  expect(await other.db.project.count()).toBe(before);
  const { rows } = await one.pool.query('select current_database() as name');
  expect(new URL(one.url).pathname).toBe(`/${rows[0].name}`);
});

it('leaves no database behind when it is closed', async () => {
  const database = await testDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.db.project.count();
  await database.close();
  await expect(administer(withDatabase(database.url, name), 'select 1')).rejects.toThrow(/does not exist/);
});
