import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RoutingSnapshot, SnapshotStore } from '@slipway/deployments';
import { channels, createDatabase, createLogger, type DatabaseHandle, Nudges, nudge } from '@slipway/platform';
import { type TestDatabase, testDatabase, waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { SavedSnapshot } from './saved-snapshot.js';
import { SnapshotFeed } from './snapshot-feed.js';

const log = createLogger('test', 'silent');
let database: TestDatabase;
let home: string;
let feed: SnapshotFeed | undefined;
let seen: RoutingSnapshot[];

beforeAll(async () => {
  database = await testDatabase();
  await database.db.model.create({ data: { id: 'mdl_1', projectId: 'prj_default', name: 'm', nameFolded: 'm' } });
});
afterAll(() => database.close());
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slw-feed-'));
  seen = [];
});
afterEach(async () => {
  await feed?.stop();
  await rm(home, { recursive: true, force: true });
});

function open(pool: DatabaseHandle['pool'], pollMs?: number): SnapshotFeed {
  feed = new SnapshotFeed({
    store: new SnapshotStore(pool),
    saved: new SavedSnapshot(home),
    log,
    apply: (snapshot) => void seen.push(snapshot),
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  return feed;
}

const namesIn = (snapshot: RoutingSnapshot | undefined) => [...(snapshot?.projects.get('prj_default')?.keys() ?? [])];
const create = (name: string) =>
  database.db.deployment.create({
    data: { id: `dep_${name}`, projectId: 'prj_default', name, nameFolded: name, modelId: 'mdl_1', createdBy: 'key:t' },
  });

/** A database that nobody answers for. */
const away = () => createDatabase({ url: 'postgres://nobody@127.0.0.1:1/none' });

it('applies the first snapshot, then only changes, found by the poll', async () => {
  const followed = open(database.pool, 50);
  await followed.start();
  expect(seen).toHaveLength(1);
  await Promise.all([followed.refresh(), followed.refresh(), followed.refresh()]);
  expect(seen).toHaveLength(1);
  await create('polled');
  await waitFor(() => namesIn(seen.at(-1)).includes('polled'), { what: 'the poll to find it' });
  expect(followed.ageSeconds).toBeLessThan(1);
});

it('sees a change within a moment by its nudge', async () => {
  const nudges = new Nudges(database.url, log);
  await nudges.start();
  const followed = open(database.pool, 60_000);
  await followed.start();
  const stop = nudges.on(channels.routing, () => void followed.refresh());
  await create('nudged');
  await nudge(database.db, channels.routing);
  await waitFor(() => namesIn(seen.at(-1)).includes('nudged'), { what: 'the nudge to arrive', timeoutMs: 1_000 });
  stop();
  await nudges.close();
});

it('keeps the last snapshot while the database is away, and serves from the saved one at a start without it', async () => {
  const first = open(database.pool);
  await first.start();
  const path = join(home, 'run', 'snapshot.json');
  await waitFor(() => readFile(path, 'utf8'), { what: 'the saved snapshot' });
  const known = namesIn(seen.at(-1));
  await first.stop();
  seen = [];
  const silent = away();
  const second = open(silent.pool, 20);
  await second.start();
  expect(seen.map(namesIn)).toEqual([known]);
  expect(second.ageSeconds).toBeUndefined();
  await second.refresh();
  expect(seen).toHaveLength(1);
  await silent.close();
});

it('starts without a snapshot when there is neither database nor a usable file', async () => {
  const saved = new SavedSnapshot(home);
  await saved.save('{"deployments":');
  const silent = away();
  await open(silent.pool).start();
  expect(seen).toEqual([]);
  await silent.close();
});

it('saves only the newest of texts that come faster than the disk, never half of one', async () => {
  const saved = new SavedSnapshot(home);
  await Promise.all(Array.from({ length: 50 }, (_, index) => saved.save(`text ${index}`)));
  expect(await saved.read()).toBe('text 49');
});
