import { randomBytes } from 'node:crypto';
import type { Profile, ProfileLayout, Signature } from '@slipway/contracts';
import { sealBytes } from '@slipway/platform';
import { type TestDatabase, testDatabase } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareLayout, freezeLayout } from './build-layout.js';
import { countColumns } from './count-columns.js';
import { encodeLearnedRows, learnedRowsPurpose } from './learned-rows.js';
import { mergeProfiles } from './merge-profiles.js';
import { ProfileLearningStore } from './profile-learning.store.js';
import { profileHourMs, profileWindowMs } from './profile-spans.js';
import { type ProfileTotals, ProfileWindowStore } from './profile-window.store.js';

let database: TestDatabase;
let store: ProfileWindowStore;
beforeAll(async () => {
  database = await testDatabase({ max: 4 });
  store = new ProfileWindowStore(database.pool);
});
afterAll(() => database.close());

const dayMs = 86_400_000;
/** When the windows of hours up to `now` are added up. */
const afterFine = 8 * profileHourMs;
/** The start of an hour, half a day back: all tests lie in whole hours of the past. */
const now = Math.floor(Date.now() / dayMs) * dayMs + 12 * profileHourMs;
const hour = (back: number) => now - back * profileHourMs;

const signature: Signature = { inputs: [{ name: 'x', datatype: 'FP64', shape: [-1] }], outputs: [] };
const layout = freezeLayout(bareLayout(signature, undefined), () => Float64Array.of(0, 1, 2, 3, 4));
function counts(values: readonly number[], of: ProfileLayout = layout): Profile {
  return countColumns(of, values.length, () => Float64Array.from(values));
}
function totals(deploymentId: string, startMs: number, values: readonly number[], over: Partial<ProfileTotals> = {}): ProfileTotals {
  return { deploymentId, versionId: 'ver_1', versionNumber: 1, startMs, source: 'ins_1.a', isClosed: true, profile: counts(values), ...over };
}
const all = (deploymentId: string) => ({ deploymentId, version: 1, fromMs: now - 100 * dayMs, toMs: now + dayMs });
async function rowsOf(deploymentId: string): Promise<{ source: string; span: number; bytes: number }[]> {
  const { rows } = await database.pool.query<{ source: string; span: number; bytes: number }>(
    'select source, span_seconds as span, length(body) as bytes from telemetry.profile_windows where deployment_id = $1 order by start_at, span_seconds, source',
    [deploymentId],
  );
  return rows;
}

describe('ProfileWindowStore', () => {
  it('replaces the totals of a source by larger ones, and adds up sources, hours and nothing of others', async () => {
    await store.write([totals('dep_a', hour(0), [1], { isClosed: false })], now);
    await store.write([totals('dep_a', hour(0), [1, 2, 9], { isClosed: false })], now);
    // Of an earlier try, come late.
    await store.write([totals('dep_a', hour(0), [1, 2], { isClosed: false })], now);
    await store.write([totals('dep_a', hour(0), [-5], { source: 'ins_2.a' }), totals('dep_a', hour(1), [3, 3], { isClosed: true })], now);
    await store.write([totals('dep_a', hour(0), [7], { versionId: 'ver_2', versionNumber: 2 }), totals('dep_other', hour(0), [7])], now);
    const window = await store.window(all('dep_a'));
    expect(window).toMatchObject({ layoutId: layout.id, rowsInAll: 6, lost: 0, coverage: 1 });
    expect(window?.profile).toEqual(mergeProfiles([counts([3, 3]), counts([1, 2, 9]), counts([-5])]));
    expect((await store.window({ ...all('dep_a'), toMs: hour(0) }))?.profile.rows).toBe(2);
    expect((await store.window({ ...all('dep_a'), fromMs: hour(0) + 1_000 }))?.profile.rows).toBe(4);
    expect(await store.window({ ...all('dep_a'), toMs: hour(1) })).toBeUndefined();
    const steps = await store.steps({ ...all('dep_a'), stepMs: 60_000 });
    expect(steps?.steps.map(({ atMs, profile }) => [atMs, profile.rows])).toEqual([
      [hour(1), 2],
      [hour(0), 4],
    ]);
  });

  it('says how much of a window lies in its layout, and how much was lost', async () => {
    const bare = bareLayout(signature, undefined);
    await store.keepLayout(layout);
    await store.keepLayout(layout);
    expect(await store.layout(layout.id)).toEqual(layout);
    expect(await store.layout('none')).toBeUndefined();
    await store.write([totals('dep_b', hour(3), [1, 2, 3], { profile: counts([1, 2, 3], bare) }), totals('dep_b', hour(2), [1, 2])], now);
    const lost = { deploymentId: 'dep_b', versionId: 'ver_1', versionNumber: 1, startMs: hour(2), source: 'ins_1.a', lost: 5 };
    await store.noteLost(lost);
    await store.noteLost(lost);
    expect(await store.window(all('dep_b'))).toMatchObject({ layoutId: layout.id, rowsInAll: 5, lost: 5, coverage: 0.2 });
    expect(await store.window({ ...all('dep_b'), layoutId: bare.id })).toMatchObject({ layoutId: bare.id, coverage: 0.3 });
    await store.rollUp(now + afterFine);
    expect(await store.window(all('dep_b'))).toMatchObject({ rowsInAll: 5, lost: 5, coverage: 0.2 });
  });

  it('makes one row of the sources of an hour, and counts none of them again when it comes twice', async () => {
    const first = totals('dep_c', hour(4), [1, 2]);
    const second = totals('dep_c', hour(4), [3], { source: 'ins_2.b' });
    const open = totals('dep_c', hour(4), [4], { source: 'ins_3.c', isClosed: false });
    await store.write([first, second, open], now);
    await Promise.all([store.rollUp(now + afterFine), store.rollUp(now + afterFine)]);
    expect((await rowsOf('dep_c')).map(({ source, bytes }) => [source, bytes > 0])).toEqual([
      ['ins_1.a', false],
      ['ins_2.b', false],
      ['ins_3.c', true],
      ['', true],
    ]);
    // A worker that was killed before it took the file away ships it again.
    await store.write([first, { ...second, profile: counts([3, 3]) }], now);
    const wanted = mergeProfiles([counts([1, 2]), counts([3]), counts([4])]);
    expect((await store.window(all('dep_c')))?.profile).toEqual(wanted);
    await store.write([{ ...open, isClosed: true }, totals('dep_c', hour(4) + 11 * profileWindowMs, [5])], now);
    await store.rollUp(now + afterFine);
    await store.rollUp(now + afterFine);
    expect((await store.window(all('dep_c')))?.profile).toEqual(mergeProfiles([wanted, counts([5])]));
    expect((await rowsOf('dep_c')).filter(({ bytes }) => bytes > 0).map(({ span }) => span)).toEqual([3_600]);
  });

  it('merges what a host left behind that is gone, and hours that are over alone', async () => {
    await store.write([totals('dep_d', hour(2), [1], { isClosed: false }), totals('dep_d', hour(0), [2])], now);
    await store.rollUp(now + afterFine - 2 * profileHourMs);
    expect((await rowsOf('dep_d')).filter(({ source }) => source === '')).toHaveLength(0);
    await database.pool.query(`update telemetry.profile_windows set updated_at = now() - interval '8 days' where deployment_id = 'dep_d'`);
    await store.rollUp(now + afterFine);
    expect((await rowsOf('dep_d')).filter(({ source }) => source === '')).toHaveLength(2);
    expect((await store.window(all('dep_d')))?.profile.rows).toBe(2);
  });

  it('makes days of hours after thirty days, takes none for them any more, and forgets them in the end', async () => {
    const old = now - 35 * dayMs;
    // Stored while they were new.
    await store.write([totals('dep_e', old, [1]), totals('dep_e', old + profileHourMs, [2]), totals('dep_e', old + dayMs, [9])], old);
    await store.write([totals('dep_e', old, [3], { source: 'late', isClosed: false }), totals('dep_e', hour(9), [4])], old);
    const lost = { deploymentId: 'dep_e', versionId: 'ver_1', versionNumber: 1, startMs: old, source: 'late', lost: 2 };
    await store.noteLost(lost);
    await store.rollUp(now);
    expect((await rowsOf('dep_e')).map(({ span, source }) => [span, source])).toEqual([
      [86_400, ''],
      [86_400, ''],
      [86_400, ''],
      [300, 'ins_1.a'],
      [3_600, ''],
    ]);
    expect(await store.write([totals('dep_e', old, [3, 3, 3])], now)).toBe(1);
    const window = await store.window(all('dep_e'));
    expect(window?.profile).toEqual(mergeProfiles([counts([1, 2, 3, 9, 4])]));
    expect(window?.lost).toBe(2);
    const days = await store.steps({ ...all('dep_e'), stepMs: dayMs });
    expect(days?.steps.map(({ profile }) => profile.rows)).toEqual([3, 1, 1]);
    await store.forget(now, 31);
    expect((await store.window(all('dep_e')))?.profile.rows).toBe(1);
  });
});

describe('ProfileLearningStore', () => {
  const key = randomBytes(32);
  const learning = () => new ProfileLearningStore(database.pool);
  const bare = bareLayout({ inputs: [...signature.inputs, { name: 'city', datatype: 'BYTES', shape: [-1] }], outputs: [] }, undefined);
  const piece = (versionId: string, sequence: number, values: readonly number[], source = 'ins_1.a') => ({
    ...{ versionId, deploymentId: 'dep_a', source, sequence, rows: values.length, layoutId: bare.id },
    body: sealBytes(
      key,
      encodeLearnedRows({ layoutId: bare.id, rows: values.length, columns: [Float64Array.from(values), values.map((value) => `Größe ${value}`)] }),
      learnedRowsPurpose({ versionId, source, sequence }),
    ),
  });

  it('gives the first rows back in their order, each piece once, until there are enough', async () => {
    await learning().add(piece('ver_l', 1, [1, Number.NaN]), 4);
    await learning().add(piece('ver_l', 1, [1, Number.NaN]), 4);
    await learning().add(piece('ver_l', 2, [3, 4]), 4);
    await learning().add(piece('ver_l', 3, [5]), 4);
    await learning().add(piece('ver_m', 1, [6]), 4);
    expect(await learning().learning('ver_l', () => randomBytes(32))).toBeUndefined();
    expect(await learning().learning('ver_l', () => key)).toEqual({
      ...{ layoutId: bare.id, rows: 4 },
      columns: [Float64Array.of(1, Number.NaN, 3, 4), ['Größe 1', 'Größe NaN', 'Größe 3', 'Größe 4']],
    });
    expect(await learning().rowsOf(['ver_l', 'ver_m', 'ver_n'])).toEqual(
      new Map([
        ['ver_l', 4],
        ['ver_m', 1],
      ]),
    );
    await learning().forget('ver_l');
    expect(await learning().learning('ver_l', () => key)).toBeUndefined();
    expect(await learning().forgetOld(Date.now() + 8 * dayMs)).toBe(1);
  });
});
