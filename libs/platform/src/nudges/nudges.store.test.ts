import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../logging/logger.js';
import { type TestDatabase, testDatabase } from '../testing/test-database.js';
import { waitFor } from '../testing/wait-for.js';
import { channels, Nudges, nudge } from './nudges.client.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

describe('Nudges', () => {
  it('tell of a change after its commit, never of one that was rolled back, and go on after the connection was cut', async () => {
    const nudges = new Nudges(database.url, createLogger('test', 'silent'));
    let heard = 0;
    await nudges.start();
    nudges.on(channels.routing, () => {
      heard += 1;
    });
    await database.db.$transaction((tx) => nudge(tx, channels.routing));
    await waitFor(() => heard === 1, { what: 'the nudge' });
    await expect(
      database.db.$transaction(async (tx) => {
        await nudge(tx, channels.routing);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await database.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()");
    await waitFor(() => heard === 2, { what: 'the nudge of the new connection' });
    await database.db.$transaction((tx) => nudge(tx, channels.routing));
    await waitFor(() => heard === 3, { what: 'a nudge on the new connection' });
    await nudges.close();
  });
});
