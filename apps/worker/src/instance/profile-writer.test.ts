import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profile } from '@slipway/contracts';
import type { InstanceSpec, Tensor } from '@slipway/inference';
import { bareLayout, decodeLearnedRows, decodeProfile, freezeLayout, learnedRowsPurpose, profileWindowMs } from '@slipway/metrics/profiles';
import { unsealBytes } from '@slipway/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LearnedHead, learnedSource, profileControlFile, profileFileOf, readRowCounts, splitHeaded, TotalsHead } from './profile-files.js';
import { ProfileWriter } from './profile-writer.js';

let folder = '';
let now = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-profile-'));
  now = Date.UTC(2026, 0, 5, 10, 30);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signature: InstanceSpec['signature'] = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
};
const task = { kind: 'regression' as const, predictionOutput: 'y', rowAxis: 0 };
const key = randomBytes(32);
const bare = bareLayout(signature, task);
const frozen = freezeLayout(bare, () => Float64Array.of(0, 1, 2, 3));

function writer(over: Partial<InstanceSpec> = {}): ProfileWriter {
  const spec: InstanceSpec = {
    ...{
      protocol: 1,
      instanceId: 'ins_1',
      projectId: 'prj_1',
      deploymentId: 'dep_1',
      deploymentName: 'fraud',
      revisionId: 'rev_1',
      revisionNumber: 1,
    },
    ...{ versionId: 'ver_1', modelName: 'm', versionNumber: 3, digest: '', modelPath: '', socketPath: '', spoolFolder: folder, signature, task },
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching: { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
    limits: { maxQueue: 64, maxOutputElements: 1000, maxInputElements: 1000, maxBodyBytes: 1 << 20 },
    records: { enabled: false, maxPerSecond: 0, maxRowsPerRequest: 0 },
    monitoring: { profiles: true, learningKey: key.toString('base64') },
    ...over,
  };
  return new ProfileWriter(spec, () => now);
}
const inputs = (...rows: [number, number][]): Tensor[] => [
  { name: 'x', datatype: 'FP32', shape: [rows.length, 2], data: Float32Array.from(rows.flat()) },
];
const outputs = (rows: number): Tensor[] => [{ name: 'y', datatype: 'FP32', shape: [rows, 1], data: new Float32Array(rows).fill(1) }];
function send(to: ProfileWriter, rows: number, kind = 0): void {
  const given = Array.from({ length: rows }, (_, row): [number, number] => [row, -row]);
  to.add({ header: { kind }, request: { inputs: inputs(...given) } }, outputs(rows));
  to.note();
}
interface Totals {
  readonly head: TotalsHead;
  readonly profile: Profile;
  readonly isDone: boolean;
}
function totals(): Totals[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const file = profileFileOf(name);
      if (file?.kind !== 'totals') return [];
      const { head, body } = splitHeaded(TotalsHead, readFileSync(join(folder, name)));
      return { head, profile: decodeProfile(body), isDone: file.isDone };
    });
}
function rowCounts(): { answered: number; written: number } {
  const name = readdirSync(folder).find((each) => each.endsWith('.rows')) ?? '';
  const { answered, written } = readRowCounts(readFileSync(join(folder, name)));
  return { answered, written };
}
const control = (content: object) => writeFileSync(join(folder, profileControlFile), JSON.stringify(content));

describe('ProfileWriter', () => {
  it('writes running totals of live rows once a second, and knows at each answer how many are not written yet', () => {
    const profile = writer();
    send(profile, 3);
    for (const other of [1, 2, 3]) send(profile, 5, other);
    expect(totals()).toEqual([]);
    expect(rowCounts()).toEqual({ answered: 3, written: 0 });
    profile.tick();
    send(profile, 4);
    expect(rowCounts()).toEqual({ answered: 7, written: 3 });
    profile.tick();
    const [only, ...others] = totals();
    expect(others).toEqual([]);
    expect(only?.head).toMatchObject({
      instanceId: 'ins_1',
      deploymentId: 'dep_1',
      versionId: 'ver_1',
      versionNumber: 3,
      layoutId: bare.id,
      written: 7,
    });
    expect(only?.head.startMs).toBe(Date.UTC(2026, 0, 5, 10, 30));
    expect(only?.profile).toMatchObject({ rows: 7, layout: bare.id });
    expect(only?.profile.columns[0]).toMatchObject({ n: 7, max: 3 });
    expect(rowCounts()).toEqual({ answered: 7, written: 7 });
  });

  it('ends the file of a window when it is over, and never touches it again', () => {
    const profile = writer();
    send(profile, 3);
    now += profileWindowMs;
    send(profile, 2);
    profile.tick();
    now += profileWindowMs;
    profile.tick();
    send(profile, 1);
    profile.close();
    expect(totals().map(({ head, profile: { rows }, isDone }) => [new Date(head.startMs).getUTCMinutes(), rows, isDone])).toEqual([
      [30, 3, true],
      [35, 2, true],
      [40, 1, true],
    ]);
    expect(rowCounts()).toEqual({ answered: 6, written: 6 });
  });

  it('takes over a layout while it runs, and counts in neither what belongs to the other', () => {
    const profile = writer();
    send(profile, 3);
    control({ layout: frozen, learnRows: 0 });
    profile.tick();
    send(profile, 2);
    control({ layout: null, learnRows: 10 });
    profile.tick();
    send(profile, 1);
    // Bytes that say nothing change nothing.
    writeFileSync(join(folder, profileControlFile), '{"layout":');
    profile.tick();
    send(profile, 1);
    profile.close();
    expect(totals().map(({ profile: { layout, rows } }) => [layout, rows])).toEqual([
      [bare.id, 3],
      [frozen.id, 2],
      [bare.id, 2],
    ]);
    expect(new Set(totals().map(({ head }) => head.segment)).size).toBe(3);
    expect(readdirSync(folder).filter((name) => name.endsWith('.layout'))).toHaveLength(2);
  });

  const learned = () =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.learn'))
      .sort()
      .map((name) => splitHeaded(LearnedHead, readFileSync(join(folder, name))));
  const opened = ({ head, body }: ReturnType<typeof learned>[number]) => {
    const { instanceId, boot, versionId, sequence } = head;
    return decodeLearnedRows(unsealBytes(key, body, learnedRowsPurpose({ versionId, source: learnedSource(instanceId, boot), sequence })));
  };

  it('keeps no first rows without a key that seals them', () => {
    control({ layout: null, learnRows: 5 });
    const profile = writer({ monitoring: { profiles: true } });
    send(profile, 3);
    profile.tick();
    expect(learned()).toEqual([]);
  });

  it('keeps no text of an input that records are said to hash, mask or drop', () => {
    control({ layout: null, learnRows: 6 });
    const texts: InstanceSpec['signature'] = {
      inputs: ['name', 'city', 'street'].map((name) => ({ name, datatype: 'BYTES', shape: [-1] })),
      outputs: [],
    };
    const keys = { redactionKey: key.toString('base64'), sealingKey: key.toString('base64') };
    const recorded = { percent: 100, fields: { name: 'drop', city: 'keep' } as const, others: 'drop' as const, ...keys };
    const profile = writer({
      signature: texts,
      task: null,
      records: { enabled: true, maxPerSecond: 1, maxRowsPerRequest: 1, inputs: recorded },
    });
    const given = ['Ada', '', 'Ada', 'Ada', 'Ada', 'Ada'];
    const tensors = texts.inputs.map(({ name }): Tensor => ({ name, datatype: 'BYTES', shape: [6], data: given }));
    profile.add({ header: {}, request: { inputs: tensors } }, []);
    profile.tick();
    const [names, cities, streets] = learned().flatMap((piece) => opened(piece).columns.map((values) => Array.from<string | number>(values)));
    expect(cities).toEqual(given);
    // Nothing is said of it: what records keep of inputs that are not named says nothing about its categories.
    expect(streets).toEqual(given);
    expect(names?.[1]).toBe('');
    expect(new Set(names).size).toBe(6);
    expect(names).not.toContain('Ada');
  });

  it('keeps the first rows as they are while there is no layout, and no more than are wanted', () => {
    control({ layout: null, learnRows: 5 });
    const profile = writer();
    send(profile, 3);
    profile.tick();
    send(profile, 3);
    profile.tick();
    send(profile, 3);
    profile.tick();
    const pieces = learned();
    expect(pieces.map(({ head }) => [head.sequence, head.rows])).toEqual([
      [1, 3],
      [2, 2],
    ]);
    expect(pieces.map((piece) => opened(piece).columns.map((values) => [...values]))).toEqual([
      [
        [0, 1, 2],
        [-0, -1, -2],
        [1, 1, 1],
      ],
      [
        [0, 1],
        [-0, -1],
        [1, 1],
      ],
    ]);
  });

  it('counts inputs that it held before their memory was given away', () => {
    const profile = writer();
    const request = { header: {}, request: { inputs: inputs([5, 6], [7, 8]) } };
    profile.hold(request);
    structuredClone(request.request.inputs, {
      transfer: request.request.inputs.flatMap(({ data }) => ('buffer' in data ? [data.buffer as ArrayBuffer] : [])),
    });
    control({ layout: frozen, learnRows: 0 });
    profile.tick();
    profile.add(request, outputs(2));
    profile.tick();
    profile.tick();
    send(profile, 1);
    profile.close();
    expect(totals().map(({ profile: { layout, rows, columns } }) => [layout, rows, columns[0]?.max, columns[1]?.missing])).toEqual([
      [bare.id, 2, 7, 0],
      [frozen.id, 1, 0, 0],
    ]);
  });

  it('goes on when the disk takes nothing, and tells afterwards what is lost', () => {
    const profile = writer();
    rmSync(folder, { recursive: true });
    expect(() => {
      send(profile, 3);
      profile.tick();
      profile.close();
    }).not.toThrow();
  });

  it('leaves windows uncounted on the disk, and says so, when too many files lie there', () => {
    for (let file = 0; file < 1_000; file++) writeFileSync(join(folder, `profile-old-${file}.done`), '');
    const profile = writer();
    now += profileWindowMs;
    send(profile, 3);
    profile.tick();
    expect(rowCounts()).toEqual({ answered: 3, written: 0 });
    rmSync(join(folder, 'profile-old-0.done'));
    rmSync(join(folder, 'profile-old-1.done'));
    now += profileWindowMs;
    send(profile, 2);
    profile.tick();
    expect(rowCounts()).toEqual({ answered: 5, written: 2 });
  });
});
