import { randomBytes } from 'node:crypto';
import { Signature, type Task } from '@slipway/contracts';
import { type InstanceSpec, makeNumericData, type Tensor } from '@slipway/inference';
import { openRecordedInputs, parseSpoolHead, parseSpoolLine, recordKey, recordKeys } from '@slipway/metrics';
import { newId } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import { type RecordedAnswer, RecordWriter } from './record-writer.js';

const masterKey = randomBytes(32);
const keys = recordKeys(masterKey, { projectId: 'prj_1', deploymentId: 'dep_1' });
const signature = Signature.parse({
  inputs: [
    { name: 'region', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'x', datatype: 'FP32', shape: [-1, 3] },
    { name: 'n', datatype: 'INT64', shape: [-1] },
  ],
  outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 3] }],
});
const inputs: Tensor[] = [
  { name: 'region', datatype: 'BYTES', shape: [2, 1], data: ['north', 'so\0uth'] },
  { name: 'x', datatype: 'FP32', shape: [2, 3], data: Float32Array.of(0.1, 2, Number.NaN, 3.5, Number.POSITIVE_INFINITY, -1) },
  { name: 'n', datatype: 'INT64', shape: [2], data: BigInt64Array.of(7n, 9007199254740993n) },
];
const task: Task = { kind: 'multiclass', scoreOutput: 'p', classes: ['a', 'b', 'c'], rowAxis: 0 };
const outputs: Tensor[] = [
  { name: 'p', datatype: 'FP32', shape: [2, 3], data: Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.25, Number.NaN) },
  { name: 'leaf', datatype: 'INT64', shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) },
];
const records = { enabled: true, maxPerSecond: 10, maxRowsPerRequest: 256 };
const asked = { id: newId('prd'), inputs, queueMicros: 12.4, probability: 1 };
const answer = { outputs, rows: 2, computeMicros: 99.6 };

/** Through the spool and back: what the database is given. */
function stored(spec: Partial<Pick<InstanceSpec, 'task' | 'records'>>, over: Partial<typeof asked> = {}, given: Partial<RecordedAnswer> = {}) {
  const writer = new RecordWriter({ signature, task, records, ...spec });
  const line = JSON.stringify(writer.record({ ...answer, ...given }, { ...asked, ...over }));
  const names = spec.records?.slices;
  const head = parseSpoolHead(
    JSON.stringify({ h: 1, dep: 'dep_1', rev: 'rev_1', ver: 'ver_1', vn: 3, ...(names === undefined ? {} : { v: names }) }),
  );
  const rows = parseSpoolLine(line, head);
  if (rows === undefined) throw new Error(`not a record: ${line}`);
  return { rows, line };
}

it('tells what was predicted, by whom, and how long it took', () => {
  const { rows } = stored({});
  expect(rows).toHaveLength(2);
  expect(rows[1]).toEqual({
    id: asked.id,
    atMs: rows[0]?.atMs,
    row: 1,
    rows: 2,
    deploymentId: 'dep_1',
    revisionId: 'rev_1',
    versionId: 'ver_1',
    versionNumber: 3,
    clientId: null,
    predicted: 'a',
    predictedNumber: null,
    score: 0.5,
    queueMicros: 12,
    computeMicros: 100,
    probability: 1,
    slices: null,
    joinKey: null,
    outputs: { scores: [0.5, 0.25, null], others: { leaf: [3, 4] } },
    inputs: null,
  });
});

it('is short for what is usual', () => {
  const binary: Task = { kind: 'binary', scoreOutput: 'p', rowAxis: 0 };
  const scores: Tensor = { name: 'p', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(0.25, 0.75) };
  const { line } = stored({ task: binary }, {}, { outputs: [scores], rows: 1 });
  expect(JSON.parse(line)).toEqual({ id: asked.id, us: 100, q: 12, p: [1], s: [0.75] });
  expect(line.length).toBeLessThan(100);
});

it('leaves out a caller’s own id that no label could name, and cuts a long text', () => {
  const text: Tensor = { name: 'y', datatype: 'BYTES', shape: [1], data: ['x'.repeat(5000)] };
  const given = { outputs: [text], rows: 1, clientId: 'c'.repeat(257) };
  const { rows } = stored({ task: { kind: 'multiclass', predictionOutput: 'y', rowAxis: 0 } }, {}, given);
  expect(rows[0]).toMatchObject({ clientId: null, predicted: 'x'.repeat(1024) });
  expect(stored({}, {}, { ...given, clientId: 'c'.repeat(256) }).rows[0]?.clientId).toHaveLength(256);
});

it('says with which probability it was recorded', () => {
  const { rows } = stored({}, { probability: Math.fround(0.3) });
  expect(rows.map(({ probability }) => probability)).toEqual([Math.fround(0.3), Math.fround(0.3)]);
});

describe('slices and join keys', () => {
  it('are texts of the inputs, row by row', () => {
    const { rows } = stored({ records: { ...records, slices: ['region', 'x[0]', 'x[2]'], joinKey: 'n' } });
    expect(rows.map(({ slices }) => slices)).toEqual([
      { region: 'north', 'x[0]': '0.1', 'x[2]': 'NaN' },
      { region: 'so\uFFFDuth', 'x[0]': '3.5', 'x[2]': '-1' },
    ]);
    expect(rows.map(({ joinKey }) => joinKey)).toEqual(['7', '9007199254740993']);
  });

  it('are left out where the inputs have no such value', () => {
    const { rows } = stored({ records: { ...records, slices: ['region', 'x', 'x[3]', 'gone'], joinKey: 'gone' } });
    expect(rows.map(({ slices, joinKey }) => ({ slices, joinKey }))).toEqual([
      { slices: { region: 'north' }, joinKey: null },
      { slices: { region: 'so\uFFFDuth' }, joinKey: null },
    ]);
  });
});

describe('outputs', () => {
  it('of many classes are the five highest', () => {
    const wide: Tensor = {
      name: 'p',
      datatype: 'FP32',
      shape: [1, 1000],
      data: Float32Array.from({ length: 1000 }, (_, at) => ((at * 7919) % 1009) / 1009),
    };
    const { rows } = stored({ task: { kind: 'multiclass', scoreOutput: 'p', rowAxis: 0 } }, {}, { outputs: [wide], rows: 1 });
    const [first] = rows;
    expect(first?.outputs?.scores).toBeUndefined();
    const all = [...wide.data].map((score, at) => [at, Number(score)] as const).sort((a, b) => b[1] - a[1]);
    expect(first?.outputs?.top?.map(([name]) => name)).toEqual(all.slice(0, 5).map(([at]) => at));
    expect(first?.outputs?.top?.[0]?.[1]).toBeCloseTo(Number(all[0]?.[1]), 6);
  });

  it('larger than the bound are not recorded, small ones beside them are', () => {
    const large: Tensor = { name: 'embedding', datatype: 'FP32', shape: [1, 17], data: new Float32Array(17) };
    const small: Tensor = { name: 'note', datatype: 'BYTES', shape: [1], data: ['ok\0'] };
    const { rows } = stored({ task: undefined }, {}, { outputs: [large, small], rows: 1 });
    expect(rows[0]?.outputs).toEqual({ others: { note: ['ok\uFFFD'] } });
  });

  it('that say nothing more are left out', () => {
    const value: Tensor = { name: 'y', datatype: 'FP64', shape: [1, 1], data: Float64Array.of(1.5) };
    const { rows } = stored({ task: { kind: 'regression', predictionOutput: 'y', rowAxis: 0 } }, {}, { outputs: [value], rows: 1 });
    expect(rows[0]).toMatchObject({ predictedNumber: 1.5, outputs: null });
  });
});

describe('inputs', () => {
  const keeping = (over: Partial<NonNullable<InstanceSpec['records']['inputs']>> = {}) => ({
    records: { ...records, inputs: { percent: 100, fields: {}, others: 'keep' as const, ...keys, ...over } },
  });
  const opened = (row: ReturnType<typeof stored>['rows'][number] | undefined) =>
    openRecordedInputs(recordKey(masterKey, 'dep_1'), { id: row?.id ?? '', row: row?.row ?? 0 }, row?.inputs ?? Buffer.alloc(0));

  it('are not recorded unless the revision says so', () => {
    expect(stored({}).rows.map((row) => row.inputs)).toEqual([null, null]);
  });

  it('are kept, hashed, masked and dropped value by value, and open with the key of their deployment alone', () => {
    const { rows, line } = stored(keeping({ fields: { region: 'hash', x: 'keep', 'x[1]': 'mask', 'x[2]': 'drop' } }));
    const [first, second] = rows.map(opened);
    expect(first).toEqual([
      { name: 'region', how: 'hash', value: expect.stringMatching(/^[\w-]{22}$/) },
      { name: 'x[0]', how: 'keep', value: 0.1 },
      { name: 'x[1]', how: 'mask', value: null },
      { name: 'n', how: 'keep', value: 7 },
    ]);
    expect(second?.at(-1)).toEqual({ name: 'n', how: 'keep', value: '9007199254740993' });
    expect(line).not.toContain('north');
    const again = stored(keeping({ fields: { region: 'hash' } }), { id: newId('prd') });
    expect(again.rows.map(opened)[0]?.[0]?.value).toBe(first?.[0]?.value);
    expect(second?.[0]?.value).not.toBe(first?.[0]?.value);
    expect(() => openRecordedInputs(recordKey(masterKey, 'dep_2'), { id: asked.id, row: 0 }, rows[0]?.inputs ?? Buffer.alloc(0))).toThrow();
    expect(() => openRecordedInputs(recordKey(masterKey, 'dep_1'), { id: asked.id, row: 1 }, rows[0]?.inputs ?? Buffer.alloc(0))).toThrow();
  });

  it('that are not named become what the revision says of the others', () => {
    const { rows } = stored(keeping({ fields: { n: 'keep' }, others: 'drop' }));
    expect(rows.map(opened)[0]).toEqual([{ name: 'n', how: 'keep', value: 7 }]);
  });

  it('too large to be recorded are told as such', () => {
    const wide: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 257], data: makeNumericData('FP32', 257) };
    const long: Tensor[] = Array.from({ length: 40 }, (_, at) => ({ name: `t${at}`, datatype: 'BYTES', shape: [1], data: ['ü'.repeat(2000)] }));
    const small: Tensor = { name: 'n', datatype: 'BOOL', shape: [1], data: Uint8Array.of(1) };
    const { rows } = stored(keeping(), { inputs: [wide, small] }, { rows: 1, outputs: [] });
    expect(rows.map(opened)[0]).toEqual([
      { name: 'x', how: 'omitted', value: null },
      { name: 'n', how: 'keep', value: true },
    ]);
    const second = stored(keeping(), { inputs: long }, { rows: 1, outputs: [] });
    expect(second.rows.map(opened)[0]).toEqual(long.map(({ name }) => ({ name, how: 'omitted', value: null })));
  });

  it('are kept of the share of the records that the revision says', () => {
    const writer = new RecordWriter({ signature, task, ...keeping({ percent: 25 }) });
    const kept = Array.from({ length: 2000 }, () => writer.record(answer, { ...asked, id: newId('prd') })).filter(({ x }) => x !== undefined);
    expect(kept.length).toBeGreaterThan(400);
    expect(kept.length).toBeLessThan(600);
  });
});

it('gives no rows of a request beyond the bound, and tells how many it had', () => {
  const { rows } = stored({ records: { ...records, maxRowsPerRequest: 1, slices: ['region'] } });
  expect(rows).toMatchObject([{ row: 0, rows: 2, slices: { region: 'north' } }]);
});
